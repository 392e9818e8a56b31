package driver

import (
	"fmt"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
)

// datasource is the last entry with its name in all files: the one that counts.
type datasource struct {
	File     string // source/name of its file
	Key      key
	UID      string `json:",omitempty"`
	Contents contents
	// Old says that the file has the form without apiVersion: only whether the data source exists is compared.
	Old bool `json:",omitempty"`
	// Secrets are the keys that must be set; AllSecrets says that no others may be set.
	Secrets    []string `json:",omitempty"`
	AllSecrets bool     `json:",omitempty"`
	// Versioned says that the entry has a version: Grafana skips it silently when it has stored a newer one.
	Versioned bool `json:",omitempty"`
	// IsDefault is isDefault in the file; DefaultWritten says that the file has the key.
	IsDefault, DefaultWritten bool `json:",omitempty"`
	// Prune says that a reload deletes the data source once it is removed from the files.
	Prune bool `json:",omitempty"`
	// Correlations are the fingerprints of the file's correlations; UnsureCorrelations says that one is not known.
	Correlations       []uint64 `json:",omitempty"`
	UnsureCorrelations bool     `json:",omitempty"`
}

// datasourceReader reads the files of data sources in Grafana's order: deletes, then entries;
// the last one with a name wins.
type datasourceReader struct {
	entries []datasource
	seen    map[key]int // index into entries, -1 when deleted
	count   int
	// identities is what may clash with data sources that the server has: organizations, names, uids, the default.
	identities strings.Builder
	unsure     bool // anything may clash with the server's data sources
	unknown    bool // the name or organization of some entry is not known
}

func newDatasourceReader() *datasourceReader { return &datasourceReader{seen: map[key]int{}} }

func (r *datasourceReader) read(d *provisioning.Decoder, m *provisioning.Map, file string) {
	if v := d.PlainInt(m, "apiVersion"); v.Value < 1 {
		r.readOld(d, m, file)
		return
	}
	for _, item := range d.Items(m.Get("deleteDatasources"), "deleteDatasources") {
		name, org := d.Text(item, "name"), d.Int(item, "orgId")
		fmt.Fprintf(&r.identities, "-%d %q\n", org.Value, name.Text)
		if !name.Known || !org.Known {
			r.unknown, r.unsure = true, true
			continue
		}
		if org.Value > 0 {
			r.seen[key{Org: org.Value, ID: name.Text}] = -1
		}
	}
	prune := d.PlainBool(m, "prune").Value
	for _, item := range d.Items(m.Get("datasources"), "datasources") {
		name, org := d.Text(item, "name"), d.Int(item, "orgId")
		r.count++
		if !name.Known || org.Set && !org.Known || name.Text == "" {
			r.unknown, r.unsure = true, true
			continue
		}
		r.unsure = r.unsure || item.Has("correlations") || !d.Text(item, "uid").Known && item.Has("uid")
		ds := r.readDatasource(d, item)
		fmt.Fprintf(&r.identities, "%d %q %q %t\n", org.Value, name.Text, ds.UID, ds.IsDefault)
		ds.File, ds.Key, ds.Prune = file, key{Org: max(org.Value, 1), ID: name.Text}, prune
		r.add(ds)
	}
}

// readOld reads the form without apiVersion: other keys, no uid, no expansion. Only whether the
// data source exists is compared.
func (r *datasourceReader) readOld(d *provisioning.Decoder, m *provisioning.Map, file string) {
	r.unsure = true
	for _, item := range d.Items(m.Get("delete_datasources"), "delete_datasources") {
		delete(r.seen, key{Org: max(d.PlainInt(item, "org_id").Value, 1), ID: d.PlainText(item, "name").Text})
	}
	for _, item := range d.Items(m.Get("datasources"), "datasources") {
		r.count++
		name, org := d.PlainText(item, "name"), d.PlainInt(item, "org_id")
		if name.Text != "" {
			r.add(datasource{File: file, Key: key{Org: max(org.Value, 1), ID: name.Text}, Old: true})
		}
	}
}

func (r *datasourceReader) add(ds datasource) {
	r.seen[ds.Key] = len(r.entries)
	r.entries = append(r.entries, ds)
}

func (r *datasourceReader) finish(e *expectation) {
	e.Entries += r.count
	if !r.unsure {
		e.Identities = finding.Fingerprint(r.identities.String())
	}
	secrets, old := 0, false
	for i, ds := range r.entries {
		if r.seen[ds.Key] != i {
			continue
		}
		e.Datasources = append(e.Datasources, ds)
		old = old || ds.Old
		if len(ds.Secrets) > 0 || !ds.AllSecrets && !ds.Old {
			secrets++
		}
		for _, f := range ds.Contents {
			for _, sum := range f.Leaves {
				if sum == notKnown {
					e.hide("datasources", "values that come from Grafana's environment")
				}
			}
		}
	}
	for name, at := range r.seen {
		if at < 0 {
			e.Deleted = append(e.Deleted, name)
		}
	}
	switch {
	case secrets > 0:
		e.hide("datasources", fmt.Sprintf("secret values of %d %s", secrets, plural("datasource", secrets)))
	case r.unknown:
		e.hide("datasources", "entries whose name or organization comes from Grafana's environment")
	}
	if old {
		e.hide("datasources", "the fields of entries without apiVersion")
	}
}

// readDatasource reads the fields that the API shows.
func (r *datasourceReader) readDatasource(d *provisioning.Decoder, item *provisioning.Map) datasource {
	ds := datasource{AllSecrets: true}
	fields := map[string]any{}
	if uid := d.Text(item, "uid"); uid.Known {
		ds.UID = uid.Text
	}
	ds.Versioned = item.Has("version")
	for _, key := range []string{"type", "url", "user", "database", "basicAuthUser"} {
		fields[key] = textOf(d.Text(item, key))
	}
	switch access := d.Text(item, "access"); {
	case access.Set && !access.Known:
		fields["access"] = provisioning.Unknown{}
	case access.Text == "direct":
		fields["access"] = "direct"
	default:
		fields["access"] = "proxy"
	}
	for _, key := range []string{"basicAuth", "withCredentials", "editable", "isDefault"} {
		b := d.Bool(item, key)
		switch {
		case b.Set && !b.Known:
			fields[key] = provisioning.Unknown{}
		case b.Value:
			fields[key] = true
		}
		if key == "isDefault" {
			ds.IsDefault, ds.DefaultWritten = b.Value, b.Set
		}
	}
	if values, ok := d.FreeMap(item.Get("jsonData"), "jsonData"); ok {
		for key, v := range values {
			fields["jsonData."+key] = v
		}
	}
	if secure, ok := d.TextMap(item.Get("secureJsonData"), "secureJsonData", true); ok {
		for key, v := range secure {
			switch {
			case !v.Known:
				ds.AllSecrets = false
			case v.Text != "":
				ds.Secrets = append(ds.Secrets, key)
			}
		}
	}
	r.readCorrelations(d, item, &ds)
	ds.Contents = contentsOf(fields, false)
	return ds
}

func (r *datasourceReader) readCorrelations(d *provisioning.Decoder, item *provisioning.Map, ds *datasource) {
	list, _ := d.FreeList(item.Get("correlations"), "correlations")
	for _, c := range list {
		form := correlationForm(c)
		if !certain(form) {
			ds.UnsureCorrelations = true
			continue
		}
		ds.Correlations = append(ds.Correlations, fingerprintJSON(normal(form)))
	}
}

// correlationForm is a correlation in the form that files and the API have in common.
func correlationForm(c map[string]any) map[string]any {
	form := map[string]any{"targetUID": c["targetUID"], "label": c["label"], "description": c["description"], "type": "query"}
	if c["type"] == "external" {
		form["type"] = "external"
	}
	if config, ok := c["config"].(map[string]any); ok {
		form["config"] = map[string]any{"field": config["field"], "target": config["target"], "transformations": config["transformations"]}
	}
	return form
}

package driver

import (
	"fmt"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
)

type orgName struct {
	org  int64
	name string
}

// datasourceReader follows the files of data sources in Grafana's order: deletes, then entries;
// the last one of a name wins.
type datasourceReader struct {
	entries []datasource
	seen    map[orgName]int // index into entries, -1 when deleted
	count   int
	loose   bool
	// identities are what can clash with what is in the server: organizations, names, uids, the default.
	identities strings.Builder
	unsure     bool
}

func (r *datasourceReader) read(d *provisioning.Decoder, m *provisioning.Map, file string) {
	if v := d.PlainInt(m, "apiVersion"); v.Value < 1 {
		r.readOld(d, m, file)
		return
	}
	for _, item := range d.Items(m.Get("deleteDatasources"), "deleteDatasources") {
		name, org := d.Text(item, "name"), d.Int(item, "orgId")
		fmt.Fprintf(&r.identities, "-%d %q\n", org.Value, name.Text)
		if !name.Known || !org.Known {
			r.loose, r.unsure = true, true
			continue
		}
		if org.Value > 0 {
			r.seen[orgName{org.Value, name.Text}] = -1
		}
	}
	for _, item := range d.Items(m.Get("datasources"), "datasources") {
		name, org := d.Text(item, "name"), d.Int(item, "orgId")
		r.count++
		if !name.Known || org.Set && !org.Known || name.Text == "" {
			r.loose, r.unsure = true, true
			continue
		}
		r.unsure = r.unsure || item.Has("correlations") || !d.Text(item, "uid").Known && item.Has("uid")
		ds := readDatasource(d, item)
		_, isDefault := ds.fields["isDefault"]
		fmt.Fprintf(&r.identities, "%d %q %q %t\n", org.Value, name.Text, ds.uid, isDefault)
		ds.file, ds.name, ds.org = file, name.Text, max(org.Value, 1)
		r.add(ds)
	}
}

// readOld reads the form without apiVersion: other keys, no uid, no expansion. Only that the
// data source is there is looked at.
func (r *datasourceReader) readOld(d *provisioning.Decoder, m *provisioning.Map, file string) {
	r.loose, r.unsure = true, true
	for _, item := range d.Items(m.Get("delete_datasources"), "delete_datasources") {
		delete(r.seen, orgName{max(d.PlainInt(item, "org_id").Value, 1), d.PlainText(item, "name").Text})
	}
	for _, item := range d.Items(m.Get("datasources"), "datasources") {
		r.count++
		name, org := d.PlainText(item, "name"), d.PlainInt(item, "org_id")
		if name.Text != "" {
			r.add(datasource{file: file, org: max(org.Value, 1), name: name.Text})
		}
	}
}

func (r *datasourceReader) add(ds datasource) {
	r.seen[orgName{ds.org, ds.name}] = len(r.entries)
	r.entries = append(r.entries, ds)
}

func (r *datasourceReader) finish(e *expectation) {
	e.entries += r.count
	e.loose = e.loose || r.loose
	if !r.unsure {
		e.identities = finding.Fingerprint(r.identities.String())
	}
	for i, ds := range r.entries {
		if r.seen[orgName{ds.org, ds.name}] == i {
			e.datasources = append(e.datasources, ds)
			e.loose = e.loose || ds.secret
		}
	}
	for key, at := range r.seen {
		if at < 0 {
			e.deleted = append(e.deleted, datasource{org: key.org, name: key.name})
		}
	}
}

// readDatasource takes the fields that the API shows.
func readDatasource(d *provisioning.Decoder, item *provisioning.Map) datasource {
	ds := datasource{fields: map[string]uint64{}}
	if uid := d.Text(item, "uid"); uid.Known {
		ds.uid = uid.Text
	}
	ds.versioned = item.Has("version")
	for _, key := range []string{"type", "url", "user", "database", "basicAuthUser"} {
		v := d.Text(item, key)
		switch {
		case v.Set && !v.Known: // Grafana knows it alone
		case v.Set && v.Text != "":
			ds.fields[key] = finding.Fingerprint(v.Text)
		case key == "url" || key == "type" || key == "basicAuthUser":
			ds.dropped = append(ds.dropped, key)
		}
	}
	if access := d.Text(item, "access"); access.Known || !access.Set {
		ds.fields["access"] = finding.Fingerprint("proxy")
		if access.Text == "direct" {
			ds.fields["access"] = finding.Fingerprint("direct")
		}
	}
	for _, key := range []string{"basicAuth", "withCredentials", "isDefault"} {
		b := d.Bool(item, key)
		if key == "isDefault" && !b.Value {
			continue // Grafana makes an organization's first data source the default by itself
		}
		if b.Known || !b.Set {
			ds.fields[key] = fingerprintJSON(b.Value)
		}
	}
	if v, ok := d.FreeMap(item.Get("jsonData"), "jsonData"); ok && certain(v) {
		if v == nil {
			v = map[string]any{}
		}
		ds.fields["jsonData"] = fingerprintJSON(v)
	}
	if secure, ok := d.TextMap(item.Get("secureJsonData"), "secureJsonData", true); ok {
		for key, v := range secure {
			ds.secret = true
			if v.Known && v.Text != "" {
				ds.secrets = append(ds.secrets, key)
			}
		}
	}
	return ds
}

// certain says that nothing in a free value depends on Grafana's environment.
func certain(v any) bool {
	switch v := v.(type) {
	case provisioning.Unknown:
		return false
	case map[string]any:
		for _, item := range v {
			if !certain(item) {
				return false
			}
		}
	case []any:
		for _, item := range v {
			if !certain(item) {
				return false
			}
		}
	}
	return true
}

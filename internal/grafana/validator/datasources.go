package validator

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

var (
	ruleDSOldForm       = validation.NewRule("datasource-old-form")
	ruleDSPruneIgnored  = validation.NewRule("datasource-prune-ignored")
	ruleDSPruneEmpty    = validation.NewRule("datasource-prune-empty")
	ruleDSDeleteOrg     = validation.NewRule("datasource-delete-org")
	ruleDSDeleteName    = validation.NewLastingRule("datasource-delete-name")
	ruleDSNotExpanded   = validation.NewRule("datasource-not-expanded")
	ruleDSNothing       = validation.NewRule("datasource-file-empty")
	datasourceTopKeys   = []string{"apiVersion", "datasources", "deleteDatasources", "prune"}
	datasourceTopKeysV0 = []string{"apiVersion", "datasources", "delete_datasources"}
	datasourceKeys      = []string{
		"orgId", "version", "name", "type", "access", "url", "user", "database", "basicAuth", "basicAuthUser", "withCredentials",
		"isDefault", "correlations", "jsonData", "secureJsonData", "editable", "uid",
	}
	datasourceKeysV0 = []string{
		"org_id", "version", "name", "type", "access", "url", "user", "database", "basic_auth", "basic_auth_user", "with_credentials",
		"is_default", "correlations", "json_data", "secure_json_data", "editable",
	}
)

// dsFile is one file of data sources as Grafana would read it.
type dsFile struct {
	file    validation.File
	prune   bool
	deletes []*dsDelete
	entries []*dsEntry
}

// dsDelete is one entry of deleteDatasources.
type dsDelete struct {
	at   validation.Place
	name provisioning.Value
	org  int64 // 0: not known
}

// dsEntry is one entry of datasources.
type dsEntry struct {
	file         validation.File
	node         *provisioning.Map
	at           validation.Place
	org          int64 // 0: not known
	orgAt        validation.Place
	name         provisioning.Value
	uid          provisioning.Value
	typ          provisioning.Value
	access       provisioning.Value
	url          provisioning.Value
	authUser     provisioning.Value
	basicAuth    provisioning.Bool
	isDefault    provisioning.Bool
	version      provisioning.Int
	correlations []map[string]any
	corrNodes    []*yaml.Node
	secureKeys   []string
	old, prune   bool
}

func checkDatasources(p *validation.Pass, s *snapshot.Snapshot) {
	var files []*dsFile
	broken := false
	if s != nil {
		for _, f := range p.Files(s) {
			if df := readDatasources(p, f); df != nil {
				files = append(files, df)
			} else {
				broken = true
			}
		}
	}
	p.TellNothing(!slices.ContainsFunc(files, func(f *dsFile) bool { return len(f.entries)+len(f.deletes) > 0 }), ruleDSNothing, "the file has no data source")
	checkDefaults(p, files)
	for _, f := range files {
		for _, e := range f.entries {
			outlineDatasource(p, e)
		}
	}
	applyDatasources(p, files)
	takeovers(p, files)
	if !broken {
		guardDatasources(p, s, files)
	}
}

// readDatasources returns nil when Grafana would fail on the file.
func readDatasources(p *validation.Pass, f validation.File) *dsFile {
	d, top, ok := p.Top(f)
	if !ok {
		return nil
	}
	if api := d.PlainInt(top, "apiVersion"); !api.Known {
		return nil
	} else if api.Value <= 0 {
		if n := top.Node; n == nil || n.ShortTag() == "!!null" {
			p.NamesNothing(f.At(n))
		} else {
			p.Warnf(f.At(top.Key("apiVersion")), ruleDSOldForm, "write 'apiVersion: 1' at the top", "without apiVersion: 1 this is the old format: keys are org_id, is_default, json_data; uid and variables do not work")
		}
		return readDatasourcesV0(p, f, d, top)
	}
	df := &dsFile{file: f}
	d.UnknownKeys(top, "a data source file", datasourceTopKeys, validation.AnchorsOnly(top)...)
	readPrune(p, f, d, top, df)
	for _, m := range d.Items(top.Get("datasources"), "datasources") {
		e := readDatasource(p, f, d, m, df.prune)
		checkDatasource(p, e)
		df.entries = append(df.entries, e)
	}
	for _, m := range d.Items(top.Get("deleteDatasources"), "deleteDatasources") {
		d.UnknownKeys(m, "deleteDatasources", []string{"orgId", "name"}, "uid")
		o := d.Int(m, "orgId")
		df.deletes = append(df.deletes, newDelete(p, f, m, d.Text(m, "name"), o, len(df.entries) > 0))
	}
	if d.Stopped() {
		return nil
	}
	if len(df.entries) == 0 && len(df.deletes) == 0 && !d.NoList(top.Get("datasources")) && !d.NoList(top.Get("deleteDatasources")) {
		p.NamesNothing(f.At(top.Node))
	}
	if df.prune && len(df.entries) == 0 {
		p.Warnf(f.At(top.Key("prune")), ruleDSPruneEmpty, "", "prune without data sources: every data source that was provisioned with prune and is in no other file is deleted")
	}
	return df
}

func readPrune(p *validation.Pass, f validation.File, d *provisioning.Decoder, top *provisioning.Map, df *dsFile) {
	if !top.Has("prune") {
		return
	}
	if p.Version.Before(validation.V11) {
		p.Warnf(f.At(top.Key("prune")), ruleDSPruneIgnored, "list what to delete under deleteDatasources", "this Grafana (%s) does not know prune", p.Version)
		return
	}
	df.prune = d.PlainBool(top, "prune").Value
}

func readDatasource(p *validation.Pass, f validation.File, d *provisioning.Decoder, m *provisioning.Map, prune bool) *dsEntry {
	known := datasourceKeys
	if p.Version.Before(validation.V9) {
		known = slices.DeleteFunc(slices.Clone(known), func(k string) bool { return k == "correlations" })
	}
	d.UnknownKeys(m, "a data source", known, "password", "basicAuthPassword")
	if p.Version.AtLeast(validation.V11) {
		d.Bool(m, "isprunable") // Grafana reads it by accident: it has no effect, but must be a boolean
	}
	o := d.Int(m, "orgId")
	e := &dsEntry{
		file: f, node: m, at: f.At(m.Node), org: validation.OrgOf(o), orgAt: f.At(m.Key("orgId")),
		name: d.Text(m, "name"), uid: d.Text(m, "uid"), typ: d.Text(m, "type"), access: d.Text(m, "access"),
		url: d.Secret(m, "url"), authUser: d.Text(m, "basicAuthUser"),
		basicAuth: d.Bool(m, "basicAuth"), isDefault: d.Bool(m, "isDefault"), version: d.Int(m, "version"), prune: prune,
	}
	d.Text(m, "user")
	d.Text(m, "database")
	d.Bool(m, "withCredentials")
	d.Bool(m, "editable")
	d.FreeMap(m.Get("jsonData"), "jsonData")
	secure, _ := d.TextMap(m.Get("secureJsonData"), "secureJsonData", true)
	e.secureKeys = slices.Sorted(maps.Keys(secure))
	if p.Version.AtLeast(validation.V9) {
		e.correlations, e.corrNodes = d.FreeList(m.Get("correlations"), "correlations")
	}
	return e
}

// newDelete makes a delete entry. Before Grafana 9, orgId has a default only if the file has data
// sources too.
func newDelete(p *validation.Pass, f validation.File, m *provisioning.Map, name provisioning.Value, o provisioning.Int, hasEntries bool) *dsDelete {
	del := &dsDelete{at: f.At(m.Node), name: name, org: validation.OrgOf(o)}
	if o.Known && o.Value == 0 && !hasEntries && p.Version.Before(validation.V9) {
		p.Errorf(del.at, ruleDSDeleteOrg, "write orgId: 1", "this Grafana (%s) fails to delete without orgId in a file that has no datasources", p.Version)
	}
	if name.Empty() {
		p.Errorf(del.at, ruleDSDeleteName, "write the name of the data source; its uid does not count", "a delete entry needs a name: Grafana fails partway, and earlier entries stay applied")
	}
	return del
}

// readDatasourcesV0 reads the old format: other keys, no uid, no expansion.
func readDatasourcesV0(p *validation.Pass, f validation.File, d *provisioning.Decoder, top *provisioning.Map) *dsFile {
	df := &dsFile{file: f}
	d.UnknownKeys(top, "a data source file in the old format", datasourceTopKeysV0, validation.AnchorsOnly(top)...)
	for _, m := range d.Items(top.Get("datasources"), "datasources") {
		d.UnknownKeys(m, "a data source in the old format", datasourceKeysV0, "password", "basicAuthPassword")
		e := &dsEntry{
			file: f, node: m, at: f.At(m.Node), org: validation.OrgOf(d.PlainInt(m, "org_id")), orgAt: f.At(m.Key("org_id")),
			name: d.PlainText(m, "name"), typ: d.PlainText(m, "type"), access: d.PlainText(m, "access"), url: d.PlainText(m, "url"),
			authUser: d.PlainText(m, "basic_auth_user"), isDefault: d.PlainBool(m, "is_default"), version: d.PlainInt(m, "version"), old: true,
		}
		e.uid.Known = true
		d.PlainText(m, "user")
		d.PlainText(m, "database")
		d.PlainBool(m, "basic_auth")
		d.PlainBool(m, "with_credentials")
		d.PlainBool(m, "editable")
		d.PlainMap(m.Get("json_data"), "json_data")
		if secure, ok := d.PlainMap(m.Get("secure_json_data"), "secure_json_data"); ok {
			for k, v := range secure {
				e.secureKeys = append(e.secureKeys, k)
				switch v.(type) {
				case map[string]any, []any:
					d.Errorf(m.Get("secure_json_data"), provisioning.RuleWrongType, "", "'secure_json_data' must be a map of strings: Grafana refuses the file")
				}
			}
			slices.Sort(e.secureKeys)
		}
		if p.Version.AtLeast(validation.V9) {
			e.correlations, e.corrNodes = d.PlainList(m.Get("correlations"), "correlations")
		}
		if strings.Contains(e.url.Raw, "$") {
			p.Warnf(f.At(e.url.Node), ruleDSNotExpanded, "write 'apiVersion: 1' at the top", "variables are not expanded in the old format")
		}
		checkDatasource(p, e)
		df.entries = append(df.entries, e)
	}
	for _, m := range d.Items(top.Get("delete_datasources"), "delete_datasources") {
		d.UnknownKeys(m, "delete_datasources", []string{"org_id", "name"})
		o := d.PlainInt(m, "org_id")
		df.deletes = append(df.deletes, newDelete(p, f, m, d.PlainText(m, "name"), o, len(df.entries) > 0))
	}
	if d.Stopped() {
		return nil
	}
	return df
}

func outlineDatasource(p *validation.Pass, e *dsEntry) {
	attrs := map[string]string{
		"name": validation.Label(e.name), "org": strconv.FormatInt(e.org, 10), "uid": validation.Label(e.uid), "form": "current", "file": e.file.Name,
		"secureKeys": strings.Join(e.secureKeys, ","), "url": presence(e.url), "basicAuthUser": presence(e.authUser),
	}
	if e.old {
		attrs["form"] = "old"
	}
	if e.prune {
		attrs["prune"] = "true"
	}
	if e.version.Set && e.version.Known && e.version.Value != 0 {
		attrs["version"] = strconv.FormatInt(e.version.Value, 10)
	}
	p.Item(itemDatasource, validation.Named(validation.Label(e.name), e.org), validation.FingerprintMap(e.node), attrs)
}

// presence only says whether a value is set: the value itself may be secret.
func presence(v provisioning.Value) string {
	if !v.Set || v.Empty() {
		return ""
	}
	return "set"
}

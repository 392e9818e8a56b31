package grafana

import (
	"bytes"
	"crypto/md5" // Grafana's own sourceChecksum is an MD5
	"encoding/hex"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/snapshot"
	"reloader/internal/validate"
	"reloader/internal/validate/gini"
	"reloader/internal/validate/grafana"
	"reloader/internal/validate/gyaml"
)

// expectation is what the files say that Grafana must have, as names and fingerprints. No value
// of a file is in it.
type expectation struct {
	datasources []datasource
	dashboards  []dashboard
	alerting    []object
	ini         *gini.Expectation
	iniDigest   snapshot.Digest
	// providerOrgs are the organizations that dashboards go to.
	providerOrgs map[int64]bool
	// entries counts what a reload writes, for its timeout.
	entries int
	// loose says that something is in the files that Grafana does not show: secrets, provider
	// settings, plugins. Whether it runs these is not to be seen from outside.
	loose bool
}

// datasource is an entry that the last of all files has the last word on.
type datasource struct {
	file      string // source/name of its file
	org       int64
	name, uid string
	// fields are fingerprints of the values that are known and that Grafana shows.
	fields map[string]uint64
	// dropped are fields that keep their old value in Grafana when the file leaves them out.
	dropped []string
	secrets []string
	// versioned entries are skipped by Grafana without a word.
	versioned bool
}

// dashboard is one JSON file that Grafana will not skip.
type dashboard struct {
	file       string
	uid, title string
	checksum   string // MD5 of the file, as Grafana stores it
	content    uint64 // of the JSON without what Grafana sets itself
}

// object is something of Grafana's alerting that has a name or uid.
type object struct {
	file, kind string
	org        int64
	id         string
	name       string
}

// expect reads the files the way Grafana does. They were judged before, so that what cannot be
// read is left out silently here.
func expect(set *snapshot.Set, facts validate.Facts) expectation {
	var e expectation
	for _, s := range set.Snapshots {
		switch roleOf(s.Source.Name) {
		case grafana.RoleDatasources:
			e.eachFile(s, facts, e.readDatasources)
		case grafana.RoleAlerting:
			e.eachFile(s, facts, e.readAlerting)
		case grafana.RolePlugins, grafana.RoleNotifiers:
			e.loose = e.loose || len(s.Files) > 0
			e.entries += len(s.Files)
		case grafana.RoleIni:
			e.readIni(s, facts)
		case grafana.RoleDashboards:
			if s.Source.Name == grafana.RoleDashboards {
				e.loose = e.loose || len(s.Files) > 0
				e.eachFile(s, facts, e.readProviders)
			}
			e.readDashboards(s)
		}
	}
	e.uniqueDashboards()
	return e
}

// eachFile decodes the YAML files of a kind in Grafana's order.
func (e *expectation) eachFile(s *snapshot.Snapshot, facts validate.Facts, read func(*gyaml.Decoder, *gyaml.Map, string)) {
	dialect := gyaml.V3
	if grafana.ParseVersion(facts.Version).Before(grafana.Version{Major: 9, Minor: 4}) {
		dialect = gyaml.V2
	}
	for _, f := range s.Files {
		ext := path.Ext(f.Name)
		if strings.Contains(f.Name, "/") || ext != ".yaml" && ext != ".yml" && ext != ".json" {
			continue
		}
		b, ok := s.Bytes(f.Name)
		if !ok {
			continue
		}
		root, serr := gyaml.Parse(b)
		if serr != nil || root == nil {
			continue
		}
		d := &gyaml.Decoder{Dialect: dialect, Env: &gyaml.Env{Same: facts.SameEnv}, Report: func(validate.Finding) {}}
		if m, ok := d.Map(root, "the file"); ok {
			read(d, m, path.Join(s.Source.Name, f.Name))
		}
	}
}

func (e *expectation) readDatasources(d *gyaml.Decoder, m *gyaml.Map, file string) {
	for _, item := range d.Items(m.Get("deleteDatasources"), "deleteDatasources") {
		name, org := d.Text(item, "name"), d.Int(item, "orgId")
		e.datasources = slices.DeleteFunc(e.datasources, func(ds datasource) bool {
			return ds.name == name.Text && ds.org == max(org.Value, 1)
		})
	}
	for _, item := range d.Items(m.Get("datasources"), "datasources") {
		e.entries++
		name, org := d.Text(item, "name"), d.Int(item, "orgId")
		if !name.Known || !org.Known || name.Text == "" {
			e.loose = true
			continue
		}
		ds := readDatasource(d, item)
		ds.file, ds.name, ds.org = file, name.Text, max(org.Value, 1)
		e.loose = e.loose || len(ds.secrets) > 0
		e.datasources = slices.DeleteFunc(e.datasources, func(o datasource) bool { return o.name == ds.name && o.org == ds.org })
		e.datasources = append(e.datasources, ds)
	}
}

// readDatasource takes the fields that the API shows.
func readDatasource(d *gyaml.Decoder, item *gyaml.Map) datasource {
	ds := datasource{fields: map[string]uint64{}}
	if uid := d.Text(item, "uid"); uid.Known {
		ds.uid = uid.Text
	}
	ds.versioned = item.Has("version")
	for _, key := range []string{"type", "url", "user", "database", "basicAuthUser"} {
		v := d.Text(item, key)
		switch {
		case v.Set && v.Known && v.Text != "":
			ds.fields[key] = validate.Fingerprint(v.Text)
		case key == "url" || key == "type" || key == "basicAuthUser":
			ds.dropped = append(ds.dropped, key)
		}
	}
	access := d.Text(item, "access")
	if access.Known {
		ds.fields["access"] = validate.Fingerprint("proxy")
		if access.Text == "direct" {
			ds.fields["access"] = validate.Fingerprint("direct")
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
	if v, plain := plainJSON(d.Resolve(item.Get("jsonData"))); plain {
		ds.fields["jsonData"] = fingerprintJSON(v)
	}
	if secure, ok := d.Map(item.Get("secureJsonData"), "secureJsonData"); ok {
		for _, f := range secure.Fields {
			ds.secrets = append(ds.secrets, f.Key)
		}
	}
	return ds
}

// plainJSON is a free map as JSON, when no expansion and no odd type can make Grafana store
// something else.
func plainJSON(n *yaml.Node) (any, bool) {
	if n == nil {
		return map[string]any{}, true
	}
	plain := true
	var walk func(*yaml.Node, int)
	walk = func(n *yaml.Node, depth int) {
		switch {
		case depth > 50 || n.Kind == yaml.AliasNode || strings.Contains(n.Value, "$"):
			plain = false
		case n.Kind == yaml.ScalarNode && n.ShortTag() != "!!str" && n.ShortTag() != "!!int" && n.ShortTag() != "!!bool" && n.ShortTag() != "!!null":
			plain = false
		}
		for _, c := range n.Content {
			if plain {
				walk(c, depth+1)
			}
		}
	}
	walk(n, 0)
	if !plain {
		return nil, false
	}
	var v map[string]any
	if n.Decode(&v) != nil {
		return nil, false
	}
	if v == nil {
		v = map[string]any{}
	}
	return v, true
}

// fingerprintJSON is the same for equal JSON, however it was written.
func fingerprintJSON(v any) uint64 {
	b, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	var normal any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if dec.Decode(&normal) != nil {
		return 0
	}
	b, _ = json.Marshal(normal)
	return validate.Fingerprint(string(b))
}

func (e *expectation) readProviders(d *gyaml.Decoder, m *gyaml.Map, _ string) {
	for _, p := range d.Items(m.Get("providers"), "providers") {
		e.entries++
		if e.providerOrgs == nil {
			e.providerOrgs = map[int64]bool{}
		}
		if org := d.Int(p, "orgId"); org.Known || !org.Set {
			e.providerOrgs[max(org.Value, 1)] = true
		}
	}
}

// orgs are the organizations in which dashboards are looked for.
func (e *expectation) orgs() []int64 {
	if len(e.providerOrgs) == 0 {
		return []int64{1}
	}
	return sortedOrgs(e.providerOrgs)
}

func (e *expectation) readDashboards(s *snapshot.Snapshot) {
	for _, f := range s.Files {
		b, ok := s.Bytes(f.Name)
		if !ok || path.Ext(f.Name) != ".json" {
			continue
		}
		e.entries++
		var doc map[string]any
		if json.NewDecoder(bytes.NewReader(b)).Decode(&doc) != nil {
			continue
		}
		title, _ := doc["title"].(string)
		uid, _ := doc["uid"].(string)
		if strings.TrimSpace(title) == "" || len(uid) > 40 || strings.ContainsFunc(uid, notInUID) {
			continue // skipped by Grafana, and warned of; or the resource form, which has no title here
		}
		sum := md5.Sum(b)
		e.dashboards = append(e.dashboards, dashboard{
			file: path.Join(s.Source.Name, f.Name), uid: uid, title: title,
			checksum: hex.EncodeToString(sum[:]), content: dashboardContent(doc),
		})
	}
}

func notInUID(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// dashboardContent leaves out what Grafana sets itself.
func dashboardContent(doc map[string]any) uint64 {
	bare := make(map[string]any, len(doc))
	for k, v := range doc {
		switch k {
		case "id", "uid", "version", "refresh":
		default:
			bare[k] = v
		}
	}
	return fingerprintJSON(bare)
}

// uniqueDashboards drops uids that more than one file has: which of them wins is left to chance.
func (e *expectation) uniqueDashboards() {
	count := map[string]int{}
	for _, d := range e.dashboards {
		count[d.uid]++
	}
	e.dashboards = slices.DeleteFunc(e.dashboards, func(d dashboard) bool { return d.uid != "" && count[d.uid] > 1 })
}

func (e *expectation) readIni(s *snapshot.Snapshot, facts validate.Facts) {
	for _, f := range s.Files {
		if b, ok := s.Bytes(f.Name); ok {
			e.ini = gini.Expect(b, gini.Options{Version: facts.Version, SameEnv: facts.SameEnv})
			e.iniDigest = f.Digest
		}
	}
}

// readAlerting takes names and uids; Grafana rewrites most of the rest.
func (e *expectation) readAlerting(d *gyaml.Decoder, m *gyaml.Map, file string) {
	add := func(kind string, org int64, id, name gyaml.Value) {
		e.entries++
		if id.Known && id.Text != "" && name.Known {
			e.alerting = append(e.alerting, object{file: file, kind: kind, org: max(org, 1), id: id.Text, name: name.Text})
		}
	}
	e.loose = e.loose || len(m.Fields) > 0
	for _, group := range d.Items(m.Get("groups"), "groups") {
		for _, r := range d.Items(group.Get("rules"), "rules") {
			add(kindRule, d.Int(group, "orgId").Value, d.Text(r, "uid"), d.Text(r, "title"))
		}
	}
	for _, c := range d.Items(m.Get("contactPoints"), "contactPoints") {
		for _, r := range d.Items(c.Get("receivers"), "receivers") {
			add(kindContactPoint, d.Int(c, "orgId").Value, d.Text(r, "uid"), d.Text(c, "name"))
		}
	}
	for key, kind := range map[string]string{"muteTimes": kindMuteTime, "templates": kindTemplate} {
		for _, item := range d.Items(m.Get(key), key) {
			name := d.Text(item, "name")
			add(kind, d.Int(item, "orgId").Value, name, name)
		}
	}
	for key, kind := range map[string]string{"deleteRules": kindRule, "deleteContactPoints": kindContactPoint, "deleteMuteTimes": kindMuteTime, "deleteTemplates": kindTemplate} {
		for _, item := range d.Items(m.Get(key), key) {
			id := d.Text(item, "uid").Text + d.Text(item, "name").Text
			e.alerting = slices.DeleteFunc(e.alerting, func(o object) bool { return o.kind == kind && o.id == id })
		}
	}
}

// The kinds of alerting objects, as users call them.
const (
	kindRule         = "alert rule"
	kindContactPoint = "contact point"
	kindMuteTime     = "mute timing"
	kindTemplate     = "template"
)

package alerting

import (
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

var (
	ruleNothing   = validation.NewRule("alerting-file-empty")
	ruleNullItem  = validation.NewLastingRule("alerting-null-item")
	ruleOldKind   = validation.NewRule("alerting-not-known")
	ruleWrongKind = validation.NewLastingRule("wrong-kind-of-file")
)

// Kinds of items in the outline.
const (
	itemRule         = "alert rule"
	itemContactPoint = "contact point"
	itemPolicy       = "notification policy"
	itemMuteTiming   = "mute timing"
	itemTemplate     = "template"
)

var topKeys = []string{
	"apiVersion", "groups", "deleteRules", "contactPoints", "deleteContactPoints", "policies", "resetPolicies",
	"muteTimes", "deleteMuteTimes", "templates", "deleteTemplates",
}

// file is one alerting file as Grafana would read it.
type file struct {
	file            validation.File
	groups          []*group
	deleteRules     []*deletion
	contacts        []*contact
	deleteContacts  []*deletion
	policies        []*policy
	resets          []*deletion
	mutes           []*named
	deleteMutes     []*deletion
	templates       []*named
	deleteTemplates []*deletion
}

// deletion is an entry of one of the delete lists, or of resetPolicies.
type deletion struct {
	at  validation.Place
	org int64 // 0: not known
	// id is the uid or the name.
	id provisioning.Value
}

// named is a mute timing or a template.
type named struct {
	at          validation.Place
	org         int64 // 0: not known
	name        provisioning.Value
	fingerprint uint64
}

// reader reads one file.
type reader struct {
	p *validation.Pass
	f validation.File
	d *provisioning.Decoder
}

// Check judges the alerting files. The snapshot is nil when the target has no alerting directory.
func Check(p *validation.Pass, s *snapshot.Snapshot) {
	var files []*file
	broken := false
	if s != nil {
		if p.Version.Before(validation.V9) {
			if len(s.Files) > 0 {
				p.Infof(validation.Place{Path: s.Source.UserPath(s.Files[0].Name), Line: 1, Column: 1}, ruleOldKind, "", "Grafana %s does not read alerting files; 9 and later do", p.Version)
			}
			return
		}
		for _, f := range p.Files(s) {
			af, ok := readAlerting(p, f)
			if !ok {
				broken = true
			}
			if af != nil {
				files = append(files, af)
			}
		}
	}
	p.TellNothing(!slices.ContainsFunc(files, func(f *file) bool { return !f.empty() }), ruleNothing, "the file defines nothing")
	alertingOff(p, files)
	newState(p).apply(files)
	for _, f := range files {
		f.outline(p)
	}
	if !broken {
		guardAlerting(p, s, files)
	}
}

// readAlerting returns the file, nil when nothing in it can be judged, and whether it could be read.
func readAlerting(p *validation.Pass, f validation.File) (*file, bool) {
	root, ok := p.Parse(f)
	if !ok {
		return nil, false
	}
	a := &reader{p: p, f: f, d: p.Decoder(f)}
	if a.d.IsNull(root) {
		p.NamesNothing(f.At(root))
		return nil, true
	}
	top, ok := a.d.Map(root, "the file")
	if !ok {
		return nil, false
	}
	if n := a.prometheusRules(top); n != nil {
		p.Errorf(f.At(n), ruleWrongKind, "give it to Prometheus; Grafana's rules have a folder, and data instead of expr", "this is a Prometheus rule file: Grafana refuses all alerting files")
		return nil, false
	}
	if kind := a.d.Resolve(top.Get("kind")); kind != nil && top.Has("apiVersion") && !slices.ContainsFunc(topKeys, func(k string) bool { return k != "apiVersion" && top.Has(k) }) {
		p.Warnf(f.At(top.Key("kind")), ruleWrongKind, "write the groups in Grafana's own format, or give the object to Kubernetes", "this is a Kubernetes object of kind %s: Grafana finds nothing in it", validation.Cut(kind.Value))
		return nil, true
	}
	a.d.UnknownKeys(top, "an alerting file", topKeys, validation.AnchorsOnly(top)...)
	if n := a.d.Resolve(top.Get("filename")); n != nil && n.Kind != yaml.ScalarNode {
		a.d.PlainText(top, "filename") // Grafana's own structure has a field of this name
	}
	af := &file{file: f}
	af.groups = readItems(a, top, "groups", a.group)
	af.deleteRules = a.deletions(top, "deleteRules", "uid")
	af.contacts = readItems(a, top, "contactPoints", a.contact)
	af.deleteContacts = a.deletions(top, "deleteContactPoints", "uid")
	af.policies = readItems(a, top, "policies", a.policy)
	af.resets = a.resetPolicies(top)
	af.mutes = readItems(a, top, "muteTimes", a.muteTime)
	af.deleteMutes = a.deletions(top, "deleteMuteTimes", "name")
	af.templates = readItems(a, top, "templates", a.template)
	af.deleteTemplates = a.deletions(top, "deleteTemplates", "name")
	if a.d.Stopped() {
		return nil, false
	}
	if af.empty() {
		p.NamesNothing(f.At(root))
	}
	return af, true
}

// maxPeeked is how many groups, and how many rules of each, are read to find out what kind of file it is.
const maxPeeked = 50

// prometheusRules returns the key of the groups of a Prometheus rule file; nil for any other file.
func (a *reader) prometheusRules(top *provisioning.Map) *yaml.Node {
	quiet := *a.d
	quiet.Report = func(finding.Finding) {}
	found := false
	for i, g := range quiet.Items(top.Get("groups"), "groups") {
		if i == maxPeeked {
			break
		}
		for j, r := range quiet.Items(g.Get("rules"), "rules") {
			if j == maxPeeked {
				break
			}
			if r.Has("data") {
				return nil
			}
			found = found || r.Has("expr") && (r.Has("alert") || r.Has("record"))
		}
	}
	if !found {
		return nil
	}
	return top.Key("groups")
}

func (f *file) empty() bool {
	return len(f.groups)+len(f.contacts)+len(f.policies)+len(f.mutes)+len(f.templates)+len(f.resets) == 0 &&
		len(f.deleteRules)+len(f.deleteContacts)+len(f.deleteMutes)+len(f.deleteTemplates) == 0
}

// items reads a list of maps. The newer YAML library drops an empty item. The older one makes an
// empty entry of it, which Grafana refuses unless it is harmless.
func (a *reader) items(m *provisioning.Map, key string, harmless bool) iter.Seq2[int, *provisioning.Map] {
	return func(yield func(int, *provisioning.Map) bool) {
		nodes, _ := a.d.List(m.Get(key), "'"+key+"'")
		for i, n := range nodes {
			if a.d.Stopped() {
				return
			}
			if a.d.IsNull(n) {
				a.nullItem(n, key, harmless)
				continue
			}
			if item, ok := a.d.Map(n, "an item of "+key); ok && !yield(i, item) {
				return
			}
		}
	}
}

func (a *reader) nullItem(n *yaml.Node, key string, harmless bool) {
	if a.d.Dialect == provisioning.V3 || harmless {
		a.p.Warnf(a.f.At(n), ruleNullItem, "remove the dash, or write the item after it", "an empty item of %s is ignored", key)
		return
	}
	a.p.Errorf(a.f.At(n), ruleNullItem, "remove the dash, or write the item after it", "an empty item of %s: Grafana refuses all alerting files", key)
}

// org reads orgId, which is 1 when it is missing or below 1; 0 means unknown.
func (a *reader) org(m *provisioning.Map) int64 {
	i := a.d.Int(m, "orgId")
	switch {
	case !i.Known:
		return 0
	case i.Value < 1:
		if i.Value < 0 {
			a.p.Warnf(a.f.At(i.Node), validation.RuleOrgUnknown, "", "Grafana reads a negative orgId as 1")
		}
		return 1
	}
	return i.Value
}

// readItems reads a list in which no item may be empty.
func readItems[T any](a *reader, m *provisioning.Map, key string, read func(*provisioning.Map) T) []T {
	var out []T
	for _, item := range a.items(m, key, false) {
		out = append(out, read(item))
	}
	return out
}

// deletions reads a delete list, whose key is uid or name. A name is required.
func (a *reader) deletions(top *provisioning.Map, list, key string) []*deletion {
	byName := key == "name"
	var out []*deletion
	for _, m := range a.items(top, list, !byName) {
		a.d.UnknownKeys(m, list, []string{"orgId", key})
		del := &deletion{at: a.f.At(m.Node), org: a.org(m), id: a.d.Text(m, key)}
		if byName && del.id.Known {
			if del.id.Text = strings.TrimSpace(del.id.Text); del.id.Text == "" {
				a.missing(m, key, "an entry of "+list)
			}
		}
		out = append(out, del)
	}
	return out
}

func (a *reader) resetPolicies(top *provisioning.Map) []*deletion {
	nodes, _ := a.d.List(top.Get("resetPolicies"), "'resetPolicies'")
	var out []*deletion
	for _, n := range nodes {
		if a.d.IsNull(n) && a.d.Dialect == provisioning.V3 {
			a.p.Warnf(a.f.At(n), ruleNullItem, "remove the dash", "an empty item of resetPolicies is ignored")
			continue
		}
		i := a.d.IntNode(n, "an item of resetPolicies")
		del := &deletion{at: a.f.At(n), id: provisioning.Value{Known: i.Known}}
		if i.Known {
			del.org = i.Value
			if i.Value == 0 {
				del.org = -1 // there is no organization 0
			}
		}
		out = append(out, del)
	}
	return out
}

var ruleMissing = validation.NewRule("alerting-key-missing")

// missing reports a missing key that Grafana requires.
func (a *reader) missing(m *provisioning.Map, key, what string) {
	a.p.Errorf(a.f.At(m.Key(key)), ruleMissing, "write "+key, "%s needs '%s': Grafana refuses all alerting files", what, key)
}

// required reads a text that must not be blank.
func (a *reader) required(m *provisioning.Map, key, what string) provisioning.Value {
	v := a.d.Text(m, key)
	if v.Known && strings.TrimSpace(v.Text) == "" {
		a.missing(m, key, what)
	}
	return v
}

// raw runs read and drops the findings about expansion: Grafana keeps these values as they are written.
func (a *reader) raw(read func()) {
	report := a.d.Report
	a.d.Report = func(f finding.Finding) {
		if f.Severity == finding.Error || f.Rule == provisioning.RuleFileMissing || f.Rule == provisioning.RuleDuplicateKey || f.Rule == provisioning.RuleNonTextKey {
			report(f)
		}
	}
	read()
	a.d.Report = report
}

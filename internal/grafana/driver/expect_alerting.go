package driver

import (
	"cmp"
	"sort"
	"strings"

	"reloader/internal/grafana/provisioning"
)

// The kinds of alerting objects, as users call them.
const (
	kindRule         = "alert rule"
	kindContactPoint = "contact point"
	kindMuteTime     = "mute timing"
	kindTemplate     = "template"
	kindPolicies     = "notification policy tree"
)

// object is an alerting object with a name or uid.
type object struct {
	key
	File     string
	Contents contents
}

// key names an object in one Grafana.
type key struct {
	Kind string `json:"k,omitempty"`
	Org  int64  `json:"o,omitempty"`
	ID   string `json:"i,omitempty"`
}

// alertingReader reads the files in Grafana's order; the last object with a uid or name wins.
type alertingReader struct {
	objects []object
	deleted map[key]bool
	resets  map[int64]bool
	count   int
	unsure  bool // the name or organization of some entry is not known
	// unlisted counts rules with a dashboardUid of their own, which no API shows.
	unlisted int
	// slashed says that the title of some folder contains a slash: Grafana shows it like one between two folders.
	slashed bool
}

func newAlertingReader() *alertingReader {
	return &alertingReader{deleted: map[key]bool{}, resets: map[int64]bool{}}
}

func (r *alertingReader) add(file, kind string, org provisioning.Int, id provisioning.Value, fields map[string]any) {
	r.count++
	if !id.Known || id.Text == "" || org.Set && !org.Known {
		r.unsure = true
		return
	}
	r.objects = append(r.objects, object{key{kind, max(org.Value, 1), strings.TrimSpace(id.Text)}, file, contentsOf(fields, kind == kindContactPoint)})
}

func (r *alertingReader) read(d *provisioning.Decoder, m *provisioning.Map, file string) {
	for _, group := range d.Items(m.Get("groups"), "groups") {
		folder := d.Text(group, "folder")
		r.slashed = r.slashed || strings.Contains(folder.Text, `\/`)
		of := map[string]any{"folder": folderForm(textOf(folder)), "group": textOf(d.Text(group, "name")), "interval": seconds(textOf(d.Text(group, "interval")))}
		for _, rule := range d.Items(group.Get("rules"), "rules") {
			r.add(file, kindRule, d.Int(group, "orgId"), d.Text(rule, "uid"), r.ruleFields(d, rule, of))
		}
	}
	for _, c := range d.Items(m.Get("contactPoints"), "contactPoints") {
		name := d.Text(c, "name")
		name.Text = strings.TrimSpace(name.Text)
		for _, receiver := range d.Items(c.Get("receivers"), "receivers") {
			fields := map[string]any{"name": textOf(name), "type": textOf(d.Text(receiver, "type")), "disableResolveMessage": d.Bool(receiver, "disableResolveMessage").Value}
			if t, ok := fields["type"].(string); ok {
				fields["type"] = strings.ToLower(strings.TrimSpace(t))
			}
			if settings, ok := d.FreeMap(receiver.Get("settings"), "settings"); ok {
				for k, v := range settings {
					fields["settings."+k] = v
				}
			}
			r.add(file, kindContactPoint, d.Int(c, "orgId"), d.Text(receiver, "uid"), fields)
		}
	}
	for _, item := range d.Items(m.Get("muteTimes"), "muteTimes") {
		r.add(file, kindMuteTime, d.Int(item, "orgId"), d.PlainText(item, "name"), map[string]any{"time_intervals": intervalsForm(plainList(d, item, "time_intervals"))})
	}
	for _, item := range d.Items(m.Get("templates"), "templates") {
		name, text := d.PlainText(item, "name"), d.PlainText(item, "template")
		r.add(file, kindTemplate, d.Int(item, "orgId"), name, map[string]any{"template": templateForm(name.Text, text.Text)})
	}
	r.readDeletes(d, m)
	r.readPolicies(d, m, file)
}

// plainList is a list whose values Grafana does not expand.
func plainList(d *provisioning.Decoder, m *provisioning.Map, key string) []any {
	maps, _ := d.PlainList(m.Get(key), key)
	out := make([]any, 0, len(maps))
	for _, item := range maps {
		out = append(out, item)
	}
	return out
}

func (r *alertingReader) ruleFields(d *provisioning.Decoder, rule *provisioning.Map, group map[string]any) map[string]any {
	f := map[string]any{
		"folder": group["folder"], "group": group["group"], "interval": group["interval"],
		"title": textOf(d.Text(rule, "title")), "labels": textMap(d, rule, "labels"), "for": seconds(textOf(d.Text(rule, "for"))),
		"keepFiringFor": seconds(textOf(d.Text(rule, "keepFiringFor"))),
	}
	if a, ok := d.Map(rule.Get("annotations"), "annotations"); ok { // annotations are not expanded
		plain := map[string]any{}
		for _, one := range a.Fields {
			plain[one.Key] = d.PlainText(a, one.Key).Text
		}
		f["annotations"] = plain
	}
	if paused := d.Bool(rule, "isPaused"); paused.Value {
		f["isPaused"] = true
	} else if paused.Set && !paused.Known {
		f["isPaused"] = provisioning.Unknown{}
	}
	if n := d.Int(rule, "missing_series_evals_to_resolve"); n.Value > 0 {
		f["missing_series_evals_to_resolve"] = n.Value
	}
	if s, ok := d.FreeMap(rule.Get("notification_settings"), "notification_settings"); ok && s != nil {
		f["notification_settings"] = settingsForm(s)
	}
	if rec, ok := d.Map(rule.Get("record"), "record"); ok && len(rec.Fields) > 0 {
		f["record"] = map[string]any{"metric": textOf(d.Text(rec, "metric")), "from": textOf(d.Text(rec, "from")), "target": textOf(d.Text(rec, "targetDatasourceUid"))}
	} else {
		f["condition"] = textOf(d.Text(rule, "condition"))
		f["noDataState"] = orDefault(textOf(d.Text(rule, "noDataState")), "NoData")
		f["execErrState"] = orDefault(textOf(d.Text(rule, "execErrState")), "Alerting")
	}
	if rule.Has("dashboardUid") || rule.Has("dasboardUid") || rule.Has("panelId") {
		r.unlisted++
	}
	var refs []any
	var forms []map[string]any
	for _, q := range d.Items(rule.Get("data"), "data") {
		timeRange, _ := d.PlainMap(q.Get("relativeTimeRange"), "relativeTimeRange")
		model, _ := d.PlainMap(q.Get("model"), "model")
		ref := textOf(d.Text(q, "refId"))
		refs = append(refs, ref)
		forms = append(forms, queryForm(ref, textOf(d.Text(q, "queryType")), textOf(d.Text(q, "datasourceUid")), timeRange, model))
	}
	addQueries(f, refs, forms)
	return f
}

func textMap(d *provisioning.Decoder, m *provisioning.Map, key string) map[string]any {
	values, _ := d.TextMap(m.Get(key), key, false)
	out := make(map[string]any, len(values))
	for k, v := range values {
		out[k] = textOf(v)
	}
	return out
}

func (r *alertingReader) readDeletes(d *provisioning.Decoder, m *provisioning.Map) {
	for list, deletes := range map[string]struct{ kind, id string }{
		"deleteRules": {kindRule, "uid"}, "deleteContactPoints": {kindContactPoint, "uid"},
		"deleteMuteTimes": {kindMuteTime, "name"}, "deleteTemplates": {kindTemplate, "name"},
	} {
		for _, item := range d.Items(m.Get(list), list) {
			id, org := d.Text(item, deletes.id), d.Int(item, "orgId")
			if !id.Known || org.Set && !org.Known {
				r.unsure = true
				continue
			}
			r.deleted[key{deletes.kind, max(org.Value, 1), strings.TrimSpace(id.Text)}] = true
		}
	}
}

func (r *alertingReader) readPolicies(d *provisioning.Decoder, m *provisioning.Map, file string) {
	for _, p := range d.Items(m.Get("policies"), "policies") {
		org := d.Int(p, "orgId")
		r.count++
		if org.Set && !org.Known {
			r.unsure = true
			continue
		}
		fields, _ := d.FreeMap(p.Node, "policies")
		r.objects = append(r.objects, object{key{Kind: kindPolicies, Org: max(org.Value, 1)}, file, contentsOf(policyFields(fields), false)})
	}
	nodes, _ := d.List(m.Get("resetPolicies"), "resetPolicies")
	for _, n := range nodes {
		if org := d.IntNode(n, "resetPolicies"); org.Known || !org.Set {
			r.resets[max(org.Value, 1)] = true
		} else {
			r.unsure = true
		}
	}
}

// finish keeps the last object with each uid or name. Grafana applies resets after all policies, and deletes after the
// objects that they delete. Only a rule may be created again by a later file; reloader does not track that.
func (r *alertingReader) finish(e *expectation) {
	e.Entries += r.count
	last := map[key]int{}
	for i, o := range r.objects {
		last[o.key] = i
	}
	for i, o := range r.objects {
		if last[o.key] == i && !r.deleted[o.key] && (o.Kind != kindPolicies || !r.resets[o.Org]) {
			e.Alerting = append(e.Alerting, o)
		}
	}
	for k := range r.deleted {
		if _, made := last[k]; !made || k.Kind != kindRule {
			e.Absent = append(e.Absent, k)
		}
	}
	for org := range r.resets {
		e.Absent = append(e.Absent, key{Kind: kindPolicies, Org: org})
	}
	sort.Slice(e.Absent, func(i, j int) bool {
		a, b := e.Absent[i], e.Absent[j]
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Org, b.Org), cmp.Compare(a.ID, b.ID)) < 0
	})
	if r.unsure {
		e.hide("alerting", "entries whose name or organization comes from Grafana's environment")
	}
	if r.slashed {
		e.hide("alerting", "which slashes in the paths of rule folders belong to a title")
	}
	if r.unlisted > 0 {
		e.hide("alerting", "dashboardUid and panelId of rules")
	}
}

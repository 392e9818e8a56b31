package driver

import (
	"slices"

	"reloader/internal/grafana/provisioning"
)

// The kinds of alerting objects, as users call them.
const (
	kindRule         = "alert rule"
	kindContactPoint = "contact point"
	kindMuteTime     = "mute timing"
	kindTemplate     = "template"
)

// alertingReader takes names and uids; Grafana rewrites most of the rest.
type alertingReader struct {
	objects  []object
	gone     map[object]bool // what some file deletes: whether it is there afterwards depends on the order
	policies map[int64]string
	resets   []int64
	count    int
}

func (r *alertingReader) read(d *provisioning.Decoder, m *provisioning.Map, file string) {
	add := func(kind string, org int64, id, name provisioning.Value) {
		r.count++
		if id.Known && id.Text != "" && name.Known {
			r.objects = append(r.objects, object{file: file, kind: kind, org: max(org, 1), id: id.Text, name: name.Text})
		}
	}
	for _, group := range d.Items(m.Get("groups"), "groups") {
		for _, rule := range d.Items(group.Get("rules"), "rules") {
			add(kindRule, d.Int(group, "orgId").Value, d.Text(rule, "uid"), d.Text(rule, "title"))
		}
	}
	for _, c := range d.Items(m.Get("contactPoints"), "contactPoints") {
		for _, receiver := range d.Items(c.Get("receivers"), "receivers") {
			add(kindContactPoint, d.Int(c, "orgId").Value, d.Text(receiver, "uid"), d.Text(c, "name"))
		}
	}
	for key, kind := range map[string]string{"muteTimes": kindMuteTime, "templates": kindTemplate} {
		for _, item := range d.Items(m.Get(key), key) {
			name := d.Text(item, "name")
			add(kind, d.Int(item, "orgId").Value, name, name)
		}
	}
	r.readDeletes(d, m)
	r.readPolicies(d, m)
}

func (r *alertingReader) readDeletes(d *provisioning.Decoder, m *provisioning.Map) {
	for key, deletes := range map[string]struct{ kind, id string }{
		"deleteRules": {kindRule, "uid"}, "deleteContactPoints": {kindContactPoint, "uid"},
		"deleteMuteTimes": {kindMuteTime, "name"}, "deleteTemplates": {kindTemplate, "name"},
	} {
		for _, item := range d.Items(m.Get(key), key) {
			r.gone[object{kind: deletes.kind, org: max(d.Int(item, "orgId").Value, 1), id: d.Text(item, deletes.id).Text}] = true
		}
	}
}

func (r *alertingReader) readPolicies(d *provisioning.Decoder, m *provisioning.Map) {
	for _, p := range d.Items(m.Get("policies"), "policies") {
		org, receiver := d.Int(p, "orgId"), d.Text(p, "receiver")
		if r.policies == nil {
			r.policies = map[int64]string{}
		}
		r.count++
		if receiver.Known && (org.Known || !org.Set) {
			r.policies[max(org.Value, 1)] = receiver.Text
		}
	}
	if nodes, ok := d.List(m.Get("resetPolicies"), "resetPolicies"); ok && len(nodes) > 0 {
		for _, n := range nodes {
			switch d.TextNode(n, "resetPolicies").Text {
			case "", "0", "1":
				r.resets = append(r.resets, 1)
			default:
				// Another organization: nothing is said about any policy.
				clear(r.policies)
			}
		}
	}
}

// finish keeps the last one of each uid or name. Resets come after all policies.
func (r *alertingReader) finish(e *expectation) {
	e.entries += r.count
	last := map[object]int{}
	key := func(o object) object { return object{kind: o.kind, org: o.org, id: o.id} }
	for i, o := range r.objects {
		last[key(o)] = i
	}
	for i, o := range r.objects {
		if last[key(o)] == i && !r.gone[key(o)] {
			e.alerting = append(e.alerting, o)
		}
	}
	for org, receiver := range r.policies {
		if !slices.Contains(r.resets, org) {
			e.policies[org] = receiver
		}
	}
}

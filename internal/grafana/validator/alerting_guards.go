package validator

import (
	"fmt"
	"strconv"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/snapshot"
)

var ruleALStays = newRule("alerting-removed-stays")

// outline names what the file makes.
func (f *alertingFile) outline(p *validation) {
	for _, g := range f.groups {
		for _, r := range g.rules {
			if r.uid.Text == "" && r.uid.Raw == "" {
				continue
			}
			attrs := map[string]string{"org": orgText(g.org), "uid": label(r.uid), "title": label(r.title), "folder": label(g.folder), "group": label(g.name)}
			if r.settings != nil {
				attrs["receivers"], attrs["intervals"] = label(r.settings.receiver), labels(r.settings.intervals)
			}
			group := fingerprint(g.node.Get("interval"), g.node.Get("folder"), g.node.Get("name"))
			p.item(itemRule, orgName(label(r.uid), g.org), r.print*31+group, attrs)
		}
	}
	for _, c := range f.contacts {
		for _, r := range c.receivers {
			p.item(itemContactPoint, orgName(label(c.name)+"/"+label(r.uid), c.org), r.print, map[string]string{
				"org": orgText(c.org), "name": label(c.name), "uid": label(r.uid), "type": r.typ,
			})
		}
	}
	for _, pol := range f.policies {
		p.item(itemPolicy, "organization "+orgText(pol.org), pol.print, map[string]string{
			"org": orgText(pol.org), "receivers": joined(pol.receivers), "intervals": joined(pol.intervals),
		})
	}
	for _, m := range f.mutes {
		p.item(itemMuteTiming, orgName(m.name.Raw, m.org), m.print, map[string]string{"org": orgText(m.org), "name": m.name.Raw})
	}
	for _, t := range f.templates {
		p.item(itemTemplate, orgName(t.name.Raw, t.org), t.print, map[string]string{"org": orgText(t.org), "name": t.name.Raw})
	}
}

func orgText(id int64) string { return strconv.FormatInt(id, 10) }

func orgName(name string, org int64) string {
	if org == 0 {
		return name
	}
	return named(name, org)
}

// Lists of names in attributes have a name per line.
func joined(list []named1) string {
	var names []string
	for _, n := range list {
		names = append(names, n.name)
	}
	return strings.Join(names, "\n")
}

func labels(list []provisioning.Value) string {
	var names []string
	for _, v := range list {
		names = append(names, label(v))
	}
	return strings.Join(names, "\n")
}

// namesOf is a list of names from an attribute.
func namesOf(i finding.Item, key string) []string {
	if i.Attrs[key] == "" {
		return nil
	}
	return strings.Split(i.Attrs[key], "\n")
}

// guardAlerting compares with what the server was last proven to run: what left the files stays in
// Grafana unless a delete entry takes it away.
func (p *validation) guardAlerting(s *snapshot.Snapshot, files []*alertingFile) {
	if p.running == nil {
		return
	}
	at := place{path: grafana.Alerting}
	if s != nil {
		at.path = s.Source.UserPath("")
	}
	if len(files) > 0 {
		at = place{path: files[0].file.path, line: 1, column: 1}
	}
	now := map[string]bool{}
	for _, i := range p.outline {
		now[i.Kind+" "+alertingID(i)] = true
	}
	deleted := map[string]bool{}
	for _, f := range files {
		mark := func(kind string, list []*alertingDeletion) {
			for _, d := range list {
				deleted[kind+" "+orgText(d.org)+"/"+d.id.Text] = true
			}
		}
		mark(itemRule, f.deleteRules)
		mark(itemContactPoint, f.deleteContacts)
		mark(itemMuteTiming, f.deleteMutes)
		mark(itemTemplate, f.deleteTemplates)
		for _, r := range f.resets {
			deleted[itemPolicy+" "+orgText(r.org)+"/"] = true
		}
	}
	for _, kind := range []string{itemRule, itemContactPoint, itemPolicy, itemMuteTiming, itemTemplate} {
		for _, i := range p.before(kind) {
			id := alertingID(i)
			if now[kind+" "+id] || deleted[kind+" "+id] {
				continue
			}
			p.warnf(at, ruleALStays, alertingDelete(kind, i), "the %s %s was removed from the files but stays in Grafana", kind, shownItem(i))
		}
	}
}

// alertingID is what makes an item the same one: its organization with its uid or name.
func alertingID(i finding.Item) string {
	switch i.Kind {
	case itemRule, itemContactPoint:
		return i.Attrs["org"] + "/" + i.Attrs["uid"]
	case itemPolicy:
		return i.Attrs["org"] + "/"
	}
	return i.Attrs["org"] + "/" + i.Attrs["name"]
}

func shownItem(i finding.Item) string {
	if t := i.Attrs["title"]; t != "" {
		return fmt.Sprintf("'%s' (uid %s)", cut(t), cut(i.Attrs["uid"]))
	}
	return "'" + cut(i.Name) + "'"
}

// alertingDelete is what to write to remove an item from Grafana too.
func alertingDelete(kind string, i finding.Item) string {
	switch kind {
	case itemRule:
		return fmt.Sprintf("to remove it too, write deleteRules: [{orgId: %s, uid: %s}]", i.Attrs["org"], cut(i.Attrs["uid"]))
	case itemContactPoint:
		return fmt.Sprintf("to remove it too, write deleteContactPoints: [{orgId: %s, uid: %s}]", i.Attrs["org"], cut(i.Attrs["uid"]))
	case itemPolicy:
		return fmt.Sprintf("to go back to the default, write resetPolicies: [%s]", i.Attrs["org"])
	case itemMuteTiming:
		return fmt.Sprintf("to remove it too, write deleteMuteTimes: [{orgId: %s, name: %s}]", i.Attrs["org"], cut(i.Attrs["name"]))
	}
	return fmt.Sprintf("to remove it too, write deleteTemplates: [{orgId: %s, name: %s}]", i.Attrs["org"], cut(i.Attrs["name"]))
}

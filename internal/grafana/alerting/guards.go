package alerting

import (
	"fmt"
	"strconv"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

var ruleStays = validation.NewRule("alerting-removed-stays")

// outline lists what the file creates.
func (f *file) outline(p *validation.Pass) {
	for _, g := range f.groups {
		for _, r := range g.rules {
			if r.uid.Text == "" && r.uid.Raw == "" {
				continue
			}
			attrs := map[string]string{"org": orgText(g.org), "uid": validation.Label(r.uid), "title": validation.Label(r.title), "folder": validation.Label(g.folder), "group": validation.Label(g.name)}
			if r.settings != nil {
				attrs["receivers"], attrs["intervals"] = validation.Label(r.settings.receiver), labels(r.settings.intervals)
			}
			group := validation.Fingerprint(g.node.Get("interval"), g.node.Get("folder"), g.node.Get("name"))
			p.Item(itemRule, orgName(validation.Label(r.uid), g.org), r.fingerprint*31+group, attrs)
		}
	}
	for _, c := range f.contacts {
		for _, r := range c.receivers {
			p.Item(itemContactPoint, orgName(validation.Label(c.name)+"/"+validation.Label(r.uid), c.org), r.fingerprint, map[string]string{
				"org": orgText(c.org), "name": validation.Label(c.name), "uid": validation.Label(r.uid), "type": r.typ,
			})
		}
	}
	for _, pol := range f.policies {
		p.Item(itemPolicy, "organization "+orgText(pol.org), pol.fingerprint, map[string]string{
			"org": orgText(pol.org), "receivers": joined(pol.receivers), "intervals": joined(pol.intervals),
		})
	}
	for _, m := range f.mutes {
		p.Item(itemMuteTiming, orgName(m.name.Raw, m.org), m.fingerprint, map[string]string{"org": orgText(m.org), "name": m.name.Raw})
	}
	for _, t := range f.templates {
		p.Item(itemTemplate, orgName(t.name.Raw, t.org), t.fingerprint, map[string]string{"org": orgText(t.org), "name": t.name.Raw})
	}
}

func orgText(id int64) string { return strconv.FormatInt(id, 10) }

func orgName(name string, org int64) string {
	if org == 0 {
		return name
	}
	return validation.Named(name, org)
}

// joined is a list of names in an attribute: one name per line.
func joined(list []reference) string {
	var names []string
	for _, n := range list {
		names = append(names, n.name)
	}
	return strings.Join(names, "\n")
}

func labels(list []provisioning.Value) string {
	var names []string
	for _, v := range list {
		names = append(names, validation.Label(v))
	}
	return strings.Join(names, "\n")
}

// NamesOf is a list of names from an attribute.
func NamesOf(i finding.Item, key string) []string {
	if i.Attrs[key] == "" {
		return nil
	}
	return strings.Split(i.Attrs[key], "\n")
}

// guardAlerting compares the files with what the server was last proven to run: what was removed from the files stays in
// Grafana unless a delete entry removes it.
func guardAlerting(p *validation.Pass, s *snapshot.Snapshot, files []*file) {
	if p.Running == nil {
		return
	}
	at := validation.Place{Path: grafana.Alerting}
	if s != nil {
		at.Path = s.Source.UserPath("")
	}
	if len(files) > 0 {
		at = validation.Place{Path: files[0].file.Path, Line: 1, Column: 1}
	}
	now := map[string]bool{}
	for _, i := range p.Outline {
		now[i.Kind+" "+identity(i)] = true
	}
	deleted := map[string]bool{}
	for _, f := range files {
		for kind, list := range map[string][]*deletion{
			itemRule: f.deleteRules, itemContactPoint: f.deleteContacts, itemMuteTiming: f.deleteMutes, itemTemplate: f.deleteTemplates, itemPolicy: f.resets,
		} {
			for _, d := range list {
				deleted[kind+" "+orgText(d.org)+"/"+d.id.Text] = true
			}
		}
	}
	for _, kind := range []string{itemRule, itemContactPoint, itemPolicy, itemMuteTiming, itemTemplate} {
		for _, i := range p.Before(kind) {
			if id := kind + " " + identity(i); !now[id] && !deleted[id] {
				p.Warnf(at, ruleStays, deleteHint(i), "the %s %s was removed from the files but stays in Grafana", kind, shownItem(i))
			}
		}
	}
}

// deleteLists has the list that deletes each kind of item, and the key that names the item in it. A policy tree has none.
var deleteLists = map[string]struct{ list, key string }{
	itemRule: {"deleteRules", "uid"}, itemContactPoint: {"deleteContactPoints", "uid"}, itemMuteTiming: {"deleteMuteTimes", "name"}, itemTemplate: {"deleteTemplates", "name"},
}

// identity identifies an item: its organization, and its uid or name.
func identity(i finding.Item) string { return i.Attrs["org"] + "/" + i.Attrs[deleteLists[i.Kind].key] }

func shownItem(i finding.Item) string {
	if t := i.Attrs["title"]; t != "" {
		return fmt.Sprintf("'%s' (uid %s)", validation.Cut(t), validation.Cut(i.Attrs["uid"]))
	}
	return "'" + validation.Cut(i.Name) + "'"
}

// deleteHint is what to write to remove an item from Grafana too.
func deleteHint(i finding.Item) string {
	if i.Kind == itemPolicy {
		return fmt.Sprintf("to go back to the default, write resetPolicies: [%s]", i.Attrs["org"])
	}
	d := deleteLists[i.Kind]
	return fmt.Sprintf("to remove it too, write %s: [{orgId: %s, %s: %s}]", d.list, i.Attrs["org"], d.key, validation.Cut(i.Attrs[d.key]))
}

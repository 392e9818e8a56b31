package alerting

import (
	"maps"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

func (s *state) oldRules(f *file) {
	for _, g := range f.groups {
		s.group(g)
	}
}

func (s *state) oldDeleteRules(f *file) {
	for _, d := range f.deleteRules {
		if d.org != 0 && d.id.Known {
			delete(s.org(d.org).rules, d.id.Text)
		}
	}
}

func (s *state) rules(f *file) {
	s.oldRules(f)
	s.oldDeleteRules(f)
}

func (s *state) group(g *group) {
	if g.org == 0 {
		return
	}
	if g.folder.Known && s.p.Version.Before(validation.V12) {
		s.oldFolder(g)
	}
	for _, r := range g.rules {
		s.rule(g, r)
	}
}

// oldFolder reports a folder that Grafana before 12 cannot create.
func (s *state) oldFolder(g *group) {
	if strings.EqualFold(g.folder.Text, "General") {
		s.p.Errorf(g.file.At(g.folder.Node), ruleFolder, "use another title", "no folder can be called General: Grafana fails while writing the rules")
		return
	}
	if s.p.Live == nil || slices.ContainsFunc(s.p.Live.Folders, func(f validation.Folder) bool { return f.OrgID == g.org && f.Title == g.folder.Text }) {
		return
	}
	for _, d := range s.p.Live.Dashboards {
		if d.OrgID == g.org && d.FolderUID == "" && d.Title == g.folder.Text {
			s.p.Errorf(g.file.At(g.folder.Node), ruleFolder, "use another title", "a dashboard in General has this title: Grafana cannot make the folder")
			return
		}
	}
}

func (s *state) rule(g *group, r *rule) {
	o := s.org(g.org)
	if !r.uid.Known || r.uid.Text == "" {
		return
	}
	uid := r.uid.Text
	s.overQuota(g, r, o)
	s.provenance(g, r)
	if first, twice := o.made["rule:"+uid]; twice {
		s.p.Warnf(g.file.At(r.uid.Node), ruleTwice, "use another uid", "this uid is already in %s:%d: the last rule wins", first.Path, first.Line)
	} else {
		o.made["rule:"+uid] = g.file.At(r.uid.Node)
	}
	if r.title.Known && g.folder.Known && s.p.Version.Before(validation.V12) {
		id := [2]string{g.folder.Text, r.title.Text}
		if other := o.titles[id]; other != "" && other != uid {
			s.p.Errorf(r.at, ruleTitleTwice, "use another title", "another rule in this folder has this title: Grafana fails while writing the rules; the first one stays")
		} else {
			o.titles[id] = uid
		}
	}
	use := use{}
	if r.settings != nil {
		s.ruleSettings(g, r.settings, &use)
	}
	o.rules[uid] = use
}

func (s *state) ruleSettings(g *group, settings *settings, use *use) {
	known := func(v provisioning.Value) bool { return v.Known && v.Text != "" }
	if known(settings.receiver) {
		s.receiverExists(g.file.At(settings.receiver.Node), g.org, settings.receiver.Text, "rules")
		use.receivers = append(use.receivers, settings.receiver.Text)
	}
	for _, i := range settings.intervals {
		if known(i) {
			s.intervalExists(g.file.At(i.Node), g.org, i.Text, "rules")
			use.intervals = append(use.intervals, i.Text)
		}
	}
}

func (s *state) provenance(g *group, r *rule) {
	if s.live == nil {
		return
	}
	for _, l := range s.live.Rules {
		if l.OrgID != g.org || l.UID != r.uid.Text {
			continue
		}
		switch l.Provenance {
		case "api":
			s.p.Errorf(g.file.At(r.uid.Node), ruleProvenance, "delete the rule in Grafana, or use another uid", "a rule with this uid was created through the API: Grafana fails with 'cannot change provenance'")
		case "":
			s.p.Warnf(g.file.At(r.uid.Node), ruleProvenance, "", "a rule with this uid was created by hand: the file takes it over")
		}
	}
}

func nearestOf[T any](name string, known map[string]T) string {
	return finding.Nearest(name, slices.Sorted(maps.Keys(known)))
}

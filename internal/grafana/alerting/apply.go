package alerting

import (
	"slices"

	"reloader/internal/grafana/validation"
)

var (
	ruleTwice       = validation.NewLastingRule("alerting-uid-twice")
	ruleNameTwice   = validation.NewRule("alerting-name-twice")
	ruleProvenance  = validation.NewLastingRule("alerting-provenance")
	RuleReceiver    = validation.NewLastingRule("alerting-receiver-unknown")
	RuleIntervalRef = validation.NewLastingRule("alerting-interval-unknown")
	ruleInUse       = validation.NewLastingRule("alerting-in-use")
	ruleTitleTwice  = validation.NewRule("alert-rule-title-twice")
)

// apply follows the order in which this version of Grafana writes what is in the files.
func (s *state) apply(files []*file) {
	steps := []func(*file){s.oldRules, s.oldDeleteRules, s.contactPoints, s.muteTimes, s.templates, s.policies, s.resets, s.deleteContacts, s.deleteMutes, s.deleteTemplates}
	if s.p.Version.AtLeast(validation.V11) {
		steps = []func(*file){s.contactPoints, s.muteTimes, s.templates, s.policies, s.resets, s.deleteMutes, s.deleteTemplates, s.rules, s.deleteContacts}
	}
	for _, step := range steps {
		for _, f := range files {
			step(f)
		}
	}
}

// exists reports an organization that does not exist: Grafana stops there, and what it wrote before stays.
func (s *state) exists(at validation.Place, id int64) bool {
	if id == 0 {
		return false
	}
	exists, known := s.p.Live.HasOrg(id)
	switch {
	case exists:
		return true
	case known || id < 0:
		s.p.Errorf(at, validation.RuleOrgUnknown, "create the organization first, or use another orgId", "organization %d does not exist: Grafana fails partway, and what it wrote before that stays", max(id, 0))
		return false
	}
	s.p.Warnf(at, validation.RuleOrgUnknown, "", "organization %d must exist, or Grafana fails partway", id)
	return true
}

func (s *state) contactPoints(f *file) {
	for _, c := range f.contacts {
		if !s.exists(c.at, c.org) {
			continue
		}
		for _, r := range c.receivers {
			if c.name.Known && r.uid.Known && r.uid.Text != "" && c.org != 0 {
				s.receiver(c, r)
			}
		}
	}
}

func (s *state) receiver(c *contact, r *receiver) {
	o := s.org(c.org)
	uid := r.uid.Text
	inServer := false
	if s.live != nil {
		for _, l := range s.live.ContactPoints {
			if l.OrgID == c.org && l.UID == uid {
				inServer = true
				if l.Provenance == "api" {
					s.p.Errorf(c.file.At(r.uid.Node), ruleProvenance, "delete it in Grafana, or use another uid", "a contact point with this uid was created through the API: Grafana fails with 'cannot change provenance'")
				}
			}
		}
	}
	s.once(o.made, uid, c.file.At(r.uid.Node), ruleTwice, "uid", "contact points", inServer)
	if old := o.owner[uid]; old != "" && old != c.name.Text {
		if gone := o.remove(uid); gone != "" {
			o.renamed(gone, c.name.Text)
		}
	}
	o.add(c.name.Text, uid)
}

// renamed replaces a contact point's old name in everything that refers to it.
func (o *orgState) renamed(old, name string) {
	swap := func(list []string) {
		for i := range list {
			if list[i] == old {
				list[i] = name
			}
		}
	}
	swap(o.routes.receivers)
	for _, use := range o.rules {
		swap(use.receivers)
	}
}

func (s *state) muteTimes(f *file) {
	for _, m := range f.mutes {
		if !s.exists(m.at, m.org) || !m.name.Known || m.name.Text == "" {
			continue
		}
		o := s.org(m.org)
		s.once(o.madeMute, m.name.Text, m.at, ruleNameTwice, "name", "mute timings", s.liveMute(m.org, m.name.Text))
		o.mutes[m.name.Text] = true
	}
}

// once reports a uid or name that the files already used, and remembers where it was first.
func (s *state) once(made map[string]validation.Place, id string, at validation.Place, rule, key, kinds string, inServer bool) {
	first, twice := made[id]
	switch {
	case !twice:
		made[id] = at
	case inServer:
		s.p.Warnf(at, rule, "use another "+key, "this %s is already in %s:%d: the last one wins, and a new Grafana fails with it", key, first.Path, first.Line)
	default:
		s.p.Errorf(at, rule, "use another "+key, "this %s is already in %s:%d: Grafana fails while writing the %s; the first one stays", key, first.Path, first.Line, kinds)
	}
}

func (s *state) liveMute(org int64, name string) bool {
	return s.live != nil && slices.ContainsFunc(s.live.MuteTimes, func(n validation.LiveNamed) bool { return n.OrgID == org && n.Name == name })
}

func (s *state) templates(f *file) {
	for _, t := range f.templates {
		s.exists(t.at, t.org)
	}
}

// receiverExists reports a contact point that does not exist.
func (s *state) receiverExists(at validation.Place, org int64, name, when string) {
	o := s.org(org)
	if _, there := o.contacts[name]; there {
		return
	}
	hint := "define it in contactPoints, or name one that exists"
	if near := nearestOf(name, o.contacts); near != "" {
		hint = "did you mean '" + near + "'?"
	} else if name == "grafana-default-email" && s.builtin == "empty" {
		hint = "the built-in contact point of a new Grafana 12.4 is called 'empty'"
	}
	if s.live != nil && s.live.ContactPoints != nil {
		s.p.Errorf(at, RuleReceiver, hint, "the contact point does not exist: Grafana fails while writing the %s", when)
		return
	}
	s.p.Warnf(at, RuleReceiver, hint, "the contact point is in none of the files; if Grafana does not have it either, it fails while writing the %s", when)
}

func (s *state) intervalExists(at validation.Place, org int64, name, when string) {
	o := s.org(org)
	if o.mutes[name] {
		return
	}
	hint := "define it in muteTimes, or name one that exists"
	if near := nearestOf(name, o.mutes); near != "" {
		hint = "did you mean '" + near + "'?"
	}
	if s.live != nil && s.live.MuteTimes != nil {
		s.p.Errorf(at, RuleIntervalRef, hint, "the mute timing does not exist: Grafana fails while writing the %s", when)
		return
	}
	s.p.Warnf(at, RuleIntervalRef, hint, "the mute timing is in none of the files; if Grafana does not have it either, it fails while writing the %s", when)
}

func (s *state) policies(f *file) {
	for _, pol := range f.policies {
		if !s.exists(pol.at, pol.org) {
			continue
		}
		o := s.org(pol.org)
		if first, twice := o.made["policy"]; twice {
			s.p.Warnf(pol.at, rulePolicyTwice, "keep one of them", "the policies of this organization are already in %s:%d: the last ones win", first.Path, first.Line)
		} else {
			o.made["policy"] = pol.at
		}
		o.routes = use{}
		for _, r := range pol.receivers {
			s.receiverExists(r.at, pol.org, r.name, "policies")
			o.routes.receivers = append(o.routes.receivers, r.name)
		}
		for _, i := range pol.intervals {
			s.intervalExists(i.at, pol.org, i.name, "policies")
			o.routes.intervals = append(o.routes.intervals, i.name)
		}
	}
}

func (s *state) resets(f *file) {
	for _, r := range f.resets {
		if r.id.Known && s.exists(r.at, r.org) {
			o := s.org(r.org)
			o.routes = use{receivers: []string{s.builtin}}
			o.add(s.builtin, "")
		}
	}
}

func (s *state) deleteMutes(f *file) {
	for _, d := range f.deleteMutes {
		if !s.exists(d.at, d.org) || !d.id.Known {
			continue
		}
		o := s.org(d.org)
		if o.mutes[d.id.Text] && o.uses(d.id.Text, func(u use) []string { return u.intervals }) {
			s.p.Errorf(d.at, ruleInUse, "remove it from the policies and rules first", "the mute timing is in use: Grafana fails while deleting it")
			continue
		}
		delete(o.mutes, d.id.Text)
	}
}

// uses reports whether a policy or a rule refers to a name; of selects its receivers or its intervals.
func (o *orgState) uses(name string, of func(use) []string) bool {
	for _, u := range o.rules {
		if slices.Contains(of(u), name) {
			return true
		}
	}
	return slices.Contains(of(o.routes), name)
}

func (s *state) deleteTemplates(f *file) {
	for _, d := range f.deleteTemplates {
		s.exists(d.at, d.org)
	}
}

func (s *state) deleteContacts(f *file) {
	for _, d := range f.deleteContacts {
		if !s.exists(d.at, d.org) || !d.id.Known {
			continue
		}
		o := s.org(d.org)
		if gone := o.remove(d.id.Text); gone != "" && o.uses(gone, func(u use) []string { return u.receivers }) {
			s.p.Errorf(d.at, ruleInUse, "remove it from the policies and rules first", "the contact point is in use by a policy or a rule: Grafana fails while deleting it")
		}
	}
}

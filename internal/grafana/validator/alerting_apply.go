package validator

import (
	"slices"
)

var (
	ruleALTwice       = newLastingRule("alerting-uid-twice")
	ruleALNameTwice   = newRule("alerting-name-twice")
	ruleALProvenance  = newLastingRule("alerting-provenance")
	ruleALReceiver    = newLastingRule("alerting-receiver-unknown")
	ruleALIntervalRef = newLastingRule("alerting-interval-unknown")
	ruleALInUse       = newLastingRule("alerting-in-use")
	ruleALTitleTwice  = newRule("alert-rule-title-twice")
)

// apply goes through the files in the order in which this Grafana writes.
func (s *alertingState) apply(files []*alertingFile) {
	each := func(steps ...func(*alertingFile)) {
		for _, step := range steps {
			for _, f := range files {
				step(f)
			}
		}
	}
	if s.p.version.AtLeast(v11) {
		each(s.contactPoints, s.muteTimes, s.templates, s.policies, s.resets, s.deleteMutes, s.deleteTemplates, s.rules, s.deleteContacts)
		return
	}
	each(s.oldRules, s.oldDeleteRules, s.contactPoints, s.muteTimes, s.templates, s.policies, s.resets, s.deleteContacts, s.deleteMutes, s.deleteTemplates)
}

// exists reports an organization that is not there; what is written before stays.
func (s *alertingState) exists(at place, id int64) bool {
	if id == 0 {
		return false
	}
	exists, known := s.p.live.hasOrg(id)
	switch {
	case exists:
		return true
	case known || id < 0:
		s.p.errorf(at, ruleOrgUnknown, "create the organization first, or use another orgId", "organization %d does not exist: Grafana fails partway, and what it wrote before that stays", max(id, 0))
		return false
	}
	s.p.warnf(at, ruleOrgUnknown, "", "organization %d must exist, or Grafana fails partway", id)
	return true
}

func (s *alertingState) contactPoints(f *alertingFile) {
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

func (s *alertingState) receiver(c *alertingContact, r *alertingReceiver) {
	o := s.org(c.org)
	uid := r.uid.Text
	inServer := false
	if s.live != nil {
		for _, l := range s.live.ContactPoints {
			if l.OrgID == c.org && l.UID == uid {
				inServer = true
				if l.Provenance == "api" {
					s.p.errorf(c.file.at(r.uid.Node), ruleALProvenance, "delete it in Grafana, or use another uid", "a contact point with this uid was created through the API: Grafana fails with 'cannot change provenance'")
				}
			}
		}
	}
	if first, twice := o.made[uid]; twice {
		if inServer {
			s.p.warnf(c.file.at(r.uid.Node), ruleALTwice, "use another uid", "this uid is already in %s:%d: the last one wins, and a new Grafana fails with it", first.path, first.line)
		} else {
			s.p.errorf(c.file.at(r.uid.Node), ruleALTwice, "use another uid", "this uid is already in %s:%d: Grafana fails while writing the contact points; the first one stays", first.path, first.line)
		}
	}
	if _, twice := o.made[uid]; !twice {
		o.made[uid] = c.file.at(r.uid.Node)
	}
	if old := o.owner[uid]; old != "" && old != c.name.Text {
		if gone := o.remove(uid); gone != "" {
			o.renamed(gone, c.name.Text)
		}
	}
	o.add(c.name.Text, uid)
}

// renamed follows a contact point's new name in what refers to it.
func (o *alertingOrg) renamed(old, name string) {
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

func (s *alertingState) muteTimes(f *alertingFile) {
	for _, m := range f.mutes {
		if !s.exists(m.at, m.org) || !m.name.Known || m.name.Text == "" {
			continue
		}
		o := s.org(m.org)
		if first, twice := o.madeMute[m.name.Text]; twice {
			if s.liveMute(m.org, m.name.Text) {
				s.p.warnf(m.at, ruleALNameTwice, "use another name", "this name is already in %s:%d: the last one wins, and a new Grafana fails with it", first.path, first.line)
			} else {
				s.p.errorf(m.at, ruleALNameTwice, "use another name", "this name is already in %s:%d: Grafana fails while writing the mute timings; the first one stays", first.path, first.line)
			}
			continue
		}
		o.madeMute[m.name.Text] = m.at
		o.mutes[m.name.Text] = true
	}
}

func (s *alertingState) liveMute(org int64, name string) bool {
	return s.live != nil && slices.ContainsFunc(s.live.MuteTimes, func(n LiveNamed) bool { return n.OrgID == org && n.Name == name })
}

func (s *alertingState) templates(f *alertingFile) {
	for _, t := range f.templates {
		s.exists(t.at, t.org)
	}
}

// receiverExists reports a contact point that is not there.
func (s *alertingState) receiverExists(at place, org int64, name, when string) {
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
		s.p.errorf(at, ruleALReceiver, hint, "the contact point does not exist: Grafana fails while writing the %s", when)
		return
	}
	s.p.warnf(at, ruleALReceiver, hint, "the contact point is in none of the files; if Grafana does not have it either, it fails while writing the %s", when)
}

func (s *alertingState) intervalExists(at place, org int64, name, when string) {
	o := s.org(org)
	if o.mutes[name] {
		return
	}
	hint := "define it in muteTimes, or name one that exists"
	if near := nearestOf(name, o.mutes); near != "" {
		hint = "did you mean '" + near + "'?"
	}
	if s.live != nil && s.live.MuteTimes != nil {
		s.p.errorf(at, ruleALIntervalRef, hint, "the mute timing does not exist: Grafana fails while writing the %s", when)
		return
	}
	s.p.warnf(at, ruleALIntervalRef, hint, "the mute timing is in none of the files; if Grafana does not have it either, it fails while writing the %s", when)
}

func (s *alertingState) policies(f *alertingFile) {
	for _, pol := range f.policies {
		if !s.exists(pol.at, pol.org) {
			continue
		}
		o := s.org(pol.org)
		if first, twice := o.made["policy"]; twice {
			s.p.warnf(pol.at, rulePolicyTwice, "keep one of them", "the policies of this organization are already in %s:%d: the last ones win", first.path, first.line)
		} else {
			o.made["policy"] = pol.at
		}
		o.routes = alertingUse{}
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

func (s *alertingState) resets(f *alertingFile) {
	for _, r := range f.resets {
		if r.id.Known && s.exists(r.at, r.org) {
			o := s.org(r.org)
			o.routes = alertingUse{receivers: []string{s.builtin}}
			o.add(s.builtin, "")
		}
	}
}

func (s *alertingState) deleteMutes(f *alertingFile) {
	for _, d := range f.deleteMutes {
		if !s.exists(d.at, d.org) || !d.id.Known {
			continue
		}
		o := s.org(d.org)
		if o.mutes[d.id.Text] && o.usesInterval(d.id.Text) {
			s.p.errorf(d.at, ruleALInUse, "remove it from the policies and rules first", "the mute timing is in use: Grafana fails while deleting it")
			continue
		}
		delete(o.mutes, d.id.Text)
	}
}

func (o *alertingOrg) usesInterval(name string) bool {
	if slices.Contains(o.routes.intervals, name) {
		return true
	}
	for _, use := range o.rules {
		if slices.Contains(use.intervals, name) {
			return true
		}
	}
	return false
}

func (o *alertingOrg) usesReceiver(name string) bool {
	if slices.Contains(o.routes.receivers, name) {
		return true
	}
	for _, use := range o.rules {
		if slices.Contains(use.receivers, name) {
			return true
		}
	}
	return false
}

func (s *alertingState) deleteTemplates(f *alertingFile) {
	for _, d := range f.deleteTemplates {
		s.exists(d.at, d.org)
	}
}

func (s *alertingState) deleteContacts(f *alertingFile) {
	for _, d := range f.deleteContacts {
		if !s.exists(d.at, d.org) || !d.id.Known {
			continue
		}
		o := s.org(d.org)
		if gone := o.remove(d.id.Text); gone != "" && o.usesReceiver(gone) {
			s.p.errorf(d.at, ruleALInUse, "remove it from the policies and rules first", "the contact point is in use by a policy or a rule: Grafana fails while deleting it")
		}
	}
}

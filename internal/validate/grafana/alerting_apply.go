package grafana

import (
	"maps"
	"slices"
	"strconv"

	"reloader/internal/validate/gyaml"
)

var (
	ruleALTwice       = newRule("alerting-uid-twice")
	ruleALNameTwice   = newRule("alerting-name-twice")
	ruleALProvenance  = newRule("alerting-provenance")
	ruleALReceiver    = newRule("alerting-receiver-unknown")
	ruleALIntervalRef = newRule("alerting-interval-unknown")
	ruleALInUse       = newRule("alerting-in-use")
	ruleALTitleTwice  = newRule("alert-rule-title-twice")
)

// alState is what Grafana's alerting holds while the files are applied.
type alState struct {
	p    *pass
	orgs map[int64]*alOrg
	// live is what the server said; nil when it was not asked.
	live *LiveAlerting
	// builtin is the contact point that every new organization has.
	builtin string
}

// alOrg is the part of one organization.
type alOrg struct {
	// contacts are the uids of each contact point, owner the contact point of each uid.
	contacts map[string]map[string]bool
	owner    map[string]string
	made     map[string]place // uids of receivers and, marked, of rules and policies that the files made
	mutes    map[string]bool
	madeMute map[string]place
	rules    map[string]alUse
	titles   map[[2]string]string // folder and title to uid
	routes   alUse
}

// alUse is what a rule or a tree refers to.
type alUse struct {
	receivers, intervals []string
}

func newAlState(p *pass, files []*alFile) *alState {
	s := &alState{p: p, orgs: map[int64]*alOrg{}, builtin: "grafana-default-email"}
	if p.version.AtLeast(v124) {
		s.builtin = "empty"
	}
	if p.live != nil {
		s.live = p.live.Alerting
	}
	return s
}

// org is the state of an organization, made from what the server said.
func (s *alState) org(id int64) *alOrg {
	if o := s.orgs[id]; o != nil {
		return o
	}
	o := &alOrg{
		contacts: map[string]map[string]bool{}, owner: map[string]string{}, made: map[string]place{}, mutes: map[string]bool{},
		madeMute: map[string]place{}, rules: map[string]alUse{}, titles: map[[2]string]string{},
	}
	s.orgs[id] = o
	if s.live == nil || s.live.ContactPoints == nil {
		o.contacts[s.builtin] = map[string]bool{}
		s.running(o, id)
	}
	if s.live == nil {
		return o
	}
	for _, c := range s.live.ContactPoints {
		if c.OrgID == id {
			o.add(c.Name, c.UID)
		}
	}
	for _, m := range s.live.MuteTimes {
		if m.OrgID == id {
			o.mutes[m.Name] = true
		}
	}
	for _, r := range s.live.Rules {
		if r.OrgID == id {
			o.rules[r.UID] = alUse{receivers: []string{r.Receiver}, intervals: r.Intervals}
			o.titles[[2]string{r.Folder, r.Title}] = r.UID
		}
	}
	for _, n := range s.live.Receivers {
		if n.OrgID == id {
			o.routes.receivers = append(o.routes.receivers, n.Name)
		}
	}
	for _, n := range s.live.Intervals {
		if n.OrgID == id {
			o.routes.intervals = append(o.routes.intervals, n.Name)
		}
	}
	return o
}

// running adds what earlier files made, for want of the server's own word.
func (s *alState) running(o *alOrg, id int64) {
	if s.p.running == nil {
		return
	}
	for _, i := range s.p.running.Items {
		if i.Attrs["org"] != strconv.FormatInt(id, 10) {
			continue
		}
		switch i.Kind {
		case itemContactPoint:
			o.add(i.Attrs["name"], i.Attrs["uid"])
		case itemMuteTiming:
			o.mutes[i.Attrs["name"]] = true
		case itemRule:
			o.rules[i.Attrs["uid"]] = alUse{alerted(i, "receivers"), alerted(i, "intervals")}
		case itemPolicy:
			o.routes = alUse{alerted(i, "receivers"), alerted(i, "intervals")}
		}
	}
}

func (o *alOrg) add(name, uid string) {
	if o.contacts[name] == nil {
		o.contacts[name] = map[string]bool{}
	}
	if uid != "" {
		o.contacts[name][uid] = true
		o.owner[uid] = name
	}
}

// remove takes a receiver away and says which contact point is gone with its last one.
func (o *alOrg) remove(uid string) (gone string) {
	name, there := o.owner[uid]
	if !there {
		return ""
	}
	delete(o.owner, uid)
	delete(o.contacts[name], uid)
	if len(o.contacts[name]) > 0 {
		return ""
	}
	delete(o.contacts, name)
	return name
}

// apply goes through the files in the order in which this Grafana writes.
func (s *alState) apply(files []*alFile) {
	each := func(steps ...func(*alFile)) {
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
func (s *alState) exists(at place, id int64) bool {
	if id == 0 {
		return false
	}
	exists, known := s.p.live.hasOrg(id)
	switch {
	case exists:
		return true
	case known || id < 0:
		s.p.errorf(at, ruleOrgUnknown, "create the organization first, or use another orgId", "organization %d does not exist: Grafana fails while it writes, what it wrote before stays", max(id, 0))
		return false
	}
	s.p.warnf(at, ruleOrgUnknown, "", "organization %d must exist in Grafana, else it fails while it writes", id)
	return true
}

func (s *alState) contactPoints(f *alFile) {
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

func (s *alState) receiver(c *alContact, r *alReceiver) {
	o := s.org(c.org)
	uid := r.uid.Text
	inServer := false
	if s.live != nil {
		for _, l := range s.live.ContactPoints {
			if l.OrgID == c.org && l.UID == uid {
				inServer = true
				if l.Provenance == "api" {
					s.p.errorf(c.file.at(r.uid.Node), ruleALProvenance, "delete it in Grafana, or use another uid", "a contact point of this uid was made through the API: Grafana fails with 'cannot change provenance'")
				}
			}
		}
	}
	if first, twice := o.made[uid]; twice {
		if inServer {
			s.p.warnf(c.file.at(r.uid.Node), ruleALTwice, "use another uid", "this uid is already in %s:%d: the last one wins, and a new Grafana fails with it", first.path, first.line)
		} else {
			s.p.errorf(c.file.at(r.uid.Node), ruleALTwice, "use another uid", "this uid is already in %s:%d: Grafana fails while it writes the contact points, the first one stays", first.path, first.line)
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
func (o *alOrg) renamed(old, name string) {
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

func (s *alState) muteTimes(f *alFile) {
	for _, m := range f.mutes {
		if !s.exists(m.at, m.org) || !m.name.Known || m.name.Text == "" {
			continue
		}
		o := s.org(m.org)
		if first, twice := o.madeMute[m.name.Text]; twice {
			if s.liveMute(m.org, m.name.Text) {
				s.p.warnf(m.at, ruleALNameTwice, "use another name", "this name is already in %s:%d: the last one wins, and a new Grafana fails with it", first.path, first.line)
			} else {
				s.p.errorf(m.at, ruleALNameTwice, "use another name", "this name is already in %s:%d: Grafana fails while it writes the mute timings, the first one stays", first.path, first.line)
			}
			continue
		}
		o.madeMute[m.name.Text] = m.at
		o.mutes[m.name.Text] = true
	}
}

func (s *alState) liveMute(org int64, name string) bool {
	return s.live != nil && slices.ContainsFunc(s.live.MuteTimes, func(n LiveNamed) bool { return n.OrgID == org && n.Name == name })
}

func (s *alState) templates(f *alFile) {
	for _, t := range f.templates {
		s.exists(t.at, t.org)
	}
}

// receiverExists reports a contact point that is not there.
func (s *alState) receiverExists(at place, org int64, name, when string) {
	o := s.org(org)
	if _, there := o.contacts[name]; there {
		return
	}
	hint := "define it in contactPoints, or name one that exists"
	if near := nearestOf(name, o.contacts); near != "" {
		hint = "did you mean '" + near + "'?"
	} else if name == "grafana-default-email" && s.builtin == "empty" {
		hint = "a new Grafana 12.4 calls its own contact point 'empty'"
	}
	if s.live != nil && s.live.ContactPoints != nil {
		s.p.errorf(at, ruleALReceiver, hint, "the contact point does not exist: Grafana fails while it writes the %s", when)
		return
	}
	s.p.warnf(at, ruleALReceiver, hint, "the contact point is in no file: if Grafana does not have it either, it fails while it writes the %s", when)
}

func (s *alState) intervalExists(at place, org int64, name, when string) {
	o := s.org(org)
	if o.mutes[name] {
		return
	}
	hint := "define it in muteTimes, or name one that exists"
	if near := nearestOf(name, o.mutes); near != "" {
		hint = "did you mean '" + near + "'?"
	}
	if s.live != nil && s.live.MuteTimes != nil {
		s.p.errorf(at, ruleALIntervalRef, hint, "the mute timing does not exist: Grafana fails while it writes the %s", when)
		return
	}
	s.p.warnf(at, ruleALIntervalRef, hint, "the mute timing is in no file: if Grafana does not have it either, it fails while it writes the %s", when)
}

func (s *alState) policies(f *alFile) {
	for _, pol := range f.policies {
		if !s.exists(pol.at, pol.org) {
			continue
		}
		o := s.org(pol.org)
		if first, twice := o.made["policy"]; twice {
			s.p.warnf(pol.at, rulePolicyTwice, "leave one of them", "the policies of this organization are already in %s:%d: the last ones win", first.path, first.line)
		} else {
			o.made["policy"] = pol.at
		}
		o.routes = alUse{}
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

func (s *alState) resets(f *alFile) {
	for _, r := range f.resets {
		if r.id.Known && s.exists(r.at, r.org) {
			o := s.org(r.org)
			o.routes = alUse{receivers: []string{s.builtin}}
			o.add(s.builtin, "")
		}
	}
}

func (s *alState) deleteMutes(f *alFile) {
	for _, d := range f.deleteMutes {
		if !s.exists(d.at, d.org) || !d.id.Known {
			continue
		}
		o := s.org(d.org)
		if o.mutes[d.id.Text] && o.usesInterval(d.id.Text) {
			s.p.errorf(d.at, ruleALInUse, "take it out of the policies and rules first", "the mute timing is in use: Grafana fails while it deletes it")
			continue
		}
		delete(o.mutes, d.id.Text)
	}
}

func (o *alOrg) usesInterval(name string) bool {
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

func (o *alOrg) usesReceiver(name string) bool {
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

func (s *alState) deleteTemplates(f *alFile) {
	for _, d := range f.deleteTemplates {
		s.exists(d.at, d.org)
	}
}

func (s *alState) deleteContacts(f *alFile) {
	for _, d := range f.deleteContacts {
		if !s.exists(d.at, d.org) || !d.id.Known {
			continue
		}
		o := s.org(d.org)
		if gone := o.remove(d.id.Text); gone != "" && o.usesReceiver(gone) {
			s.p.errorf(d.at, ruleALInUse, "take it out of the policies and rules first", "the contact point is in use by a policy or a rule: Grafana fails while it deletes it")
		}
	}
}

func (s *alState) oldRules(f *alFile) {
	for _, g := range f.groups {
		s.group(g)
	}
}

func (s *alState) oldDeleteRules(f *alFile) {
	for _, d := range f.deleteRules {
		if d.org != 0 && d.id.Known {
			delete(s.org(d.org).rules, d.id.Text)
		}
	}
}

func (s *alState) rules(f *alFile) {
	s.oldRules(f)
	s.oldDeleteRules(f)
}

func (s *alState) group(g *alGroup) {
	if g.org == 0 {
		return
	}
	if g.folder.Known && s.p.version.Before(v12) {
		s.folderNamedAsDashboard(g)
	}
	for _, r := range g.rules {
		s.rule(g, r)
	}
}

// folderNamedAsDashboard reports a folder that older Grafanas cannot make.
func (s *alState) folderNamedAsDashboard(g *alGroup) {
	if s.p.live == nil || slices.ContainsFunc(s.p.live.Folders, func(f Folder) bool { return f.OrgID == g.org && f.Title == g.folder.Text }) {
		return
	}
	for _, d := range s.p.live.Dashboards {
		if d.OrgID == g.org && d.FolderUID == "" && d.Title == g.folder.Text {
			s.p.errorf(g.file.at(g.folder.Node), ruleALFolder, "use another title", "a dashboard in General has this title: Grafana cannot make the folder")
			return
		}
	}
}

func (s *alState) rule(g *alGroup, r *alRule) {
	o := s.org(g.org)
	if !r.uid.Known || r.uid.Text == "" {
		return
	}
	uid := r.uid.Text
	s.provenance(g, r)
	if first, twice := o.made["rule:"+uid]; twice {
		s.p.warnf(g.file.at(r.uid.Node), ruleALTwice, "use another uid", "this uid is already in %s:%d: the last rule wins", first.path, first.line)
	} else {
		o.made["rule:"+uid] = g.file.at(r.uid.Node)
	}
	if r.title.Known && g.folder.Known && s.p.version.Before(v12) {
		id := [2]string{g.folder.Text, r.title.Text}
		if other := o.titles[id]; other != "" && other != uid {
			s.p.errorf(r.at, ruleALTitleTwice, "use another title", "another rule in this folder has this title: Grafana fails while it writes the rules, the first one stays")
		} else {
			o.titles[id] = uid
		}
	}
	use := alUse{}
	if r.settings != nil {
		s.ruleSettings(g, r.settings, &use)
	}
	o.rules[uid] = use
}

func (s *alState) ruleSettings(g *alGroup, settings *alSettings, use *alUse) {
	known := func(v gyaml.Value) bool { return v.Known && v.Text != "" }
	if known(settings.receiver) {
		s.receiverExists(g.file.at(settings.receiver.Node), g.org, settings.receiver.Text, "rules")
		use.receivers = append(use.receivers, settings.receiver.Text)
	}
	for _, i := range settings.intervals {
		if known(i) {
			s.intervalExists(g.file.at(i.Node), g.org, i.Text, "rules")
			use.intervals = append(use.intervals, i.Text)
		}
	}
}

func (s *alState) provenance(g *alGroup, r *alRule) {
	if s.live == nil {
		return
	}
	for _, l := range s.live.Rules {
		if l.OrgID != g.org || l.UID != r.uid.Text {
			continue
		}
		switch l.Provenance {
		case "api":
			s.p.errorf(g.file.at(r.uid.Node), ruleALProvenance, "delete the rule in Grafana, or use another uid", "a rule of this uid was made through the API: Grafana fails with 'cannot change provenance'")
		case "":
			s.p.warnf(g.file.at(r.uid.Node), ruleALProvenance, "", "a rule of this uid was made by hand: the file takes it over")
		}
	}
}

func nearestOf[T any](name string, known map[string]T) string {
	return nearest(name, slices.Sorted(maps.Keys(known)))
}

package validator

import "strconv"

// alertingState is what Grafana's alerting holds while the files are applied.
type alertingState struct {
	p    *validation
	orgs map[int64]*alertingOrg
	// live is what the server said; nil when it was not asked.
	live *LiveAlerting
	// builtin is the contact point that every new organization has.
	builtin string
	quota   quotas
}

// alertingOrg is the part of one organization.
type alertingOrg struct {
	// contacts are the uids of each contact point, owner the contact point of each uid.
	contacts map[string]map[string]bool
	owner    map[string]string
	made     map[string]place // uids of receivers and, marked, of rules and policies that the files made
	mutes    map[string]bool
	madeMute map[string]place
	rules    map[string]alertingUse
	titles   map[[2]string]string // folder and title to uid
	routes   alertingUse
}

// alertingUse is what a rule or a tree refers to.
type alertingUse struct {
	receivers, intervals []string
}

func newAlState(p *validation, files []*alertingFile) *alertingState {
	s := &alertingState{p: p, orgs: map[int64]*alertingOrg{}, builtin: "grafana-default-email", quota: p.ruleQuotas()}
	if p.version.AtLeast(v124) {
		s.builtin = "empty"
	}
	if p.live != nil {
		s.live = p.live.Alerting
	}
	return s
}

// org is the state of an organization, made from what the server said.
func (s *alertingState) org(id int64) *alertingOrg {
	if o := s.orgs[id]; o != nil {
		return o
	}
	o := &alertingOrg{
		contacts: map[string]map[string]bool{}, owner: map[string]string{}, made: map[string]place{}, mutes: map[string]bool{},
		madeMute: map[string]place{}, rules: map[string]alertingUse{}, titles: map[[2]string]string{},
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
			o.rules[r.UID] = alertingUse{receivers: []string{r.Receiver}, intervals: r.Intervals}
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

// running adds what earlier files made, when the server was not asked.
func (s *alertingState) running(o *alertingOrg, id int64) {
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
			o.rules[i.Attrs["uid"]] = alertingUse{namesOf(i, "receivers"), namesOf(i, "intervals")}
		case itemPolicy:
			o.routes = alertingUse{namesOf(i, "receivers"), namesOf(i, "intervals")}
		}
	}
}

func (o *alertingOrg) add(name, uid string) {
	if o.contacts[name] == nil {
		o.contacts[name] = map[string]bool{}
	}
	if uid != "" {
		o.contacts[name][uid] = true
		o.owner[uid] = name
	}
}

// remove takes a receiver away and says which contact point is gone with its last one.
func (o *alertingOrg) remove(uid string) (gone string) {
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

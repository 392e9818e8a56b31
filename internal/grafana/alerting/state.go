package alerting

import "reloader/internal/grafana/validation"

// state is what Grafana's alerting has while it applies the files.
type state struct {
	p    *validation.Pass
	orgs map[int64]*orgState
	// live is what the server reported; nil when it was not asked.
	live *validation.LiveAlerting
	// builtin is the contact point that every new organization has.
	builtin string
	quota   quotas
}

// orgState is the part of one organization.
type orgState struct {
	// contacts has the uids of each contact point, owner the contact point of each uid.
	contacts map[string]map[string]bool
	owner    map[string]string
	made     map[string]validation.Place // where the files first have a receiver (its uid), a rule ("rule:" and its uid) or "policy"
	mutes    map[string]bool
	madeMute map[string]validation.Place
	rules    map[string]use
	titles   map[[2]string]string // folder and title to uid
	routes   use
}

// use is what a rule or a policy tree refers to.
type use struct {
	receivers, intervals []string
}

func newState(p *validation.Pass) *state {
	s := &state{p: p, orgs: map[int64]*orgState{}, builtin: "grafana-default-email", quota: ruleQuotas(p)}
	if p.Version.AtLeast(validation.V124) {
		s.builtin = "empty"
	}
	if p.Live != nil {
		s.live = p.Live.Alerting
	}
	return s
}

// org returns the state of an organization, which begins as what the server reported.
func (s *state) org(id int64) *orgState {
	if o := s.orgs[id]; o != nil {
		return o
	}
	o := &orgState{
		contacts: map[string]map[string]bool{}, owner: map[string]string{}, made: map[string]validation.Place{}, mutes: map[string]bool{},
		madeMute: map[string]validation.Place{}, rules: map[string]use{}, titles: map[[2]string]string{},
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
			o.rules[r.UID] = use{receivers: []string{r.Receiver}, intervals: r.Intervals}
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

// running adds what earlier files created. It stands in for a server that was not asked.
func (s *state) running(o *orgState, id int64) {
	if s.p.Running == nil {
		return
	}
	for _, i := range s.p.Running.Items {
		if i.Attrs["org"] != orgText(id) {
			continue
		}
		switch i.Kind {
		case itemContactPoint:
			o.add(i.Attrs["name"], i.Attrs["uid"])
		case itemMuteTiming:
			o.mutes[i.Attrs["name"]] = true
		case itemRule:
			o.rules[i.Attrs["uid"]] = use{NamesOf(i, "receivers"), NamesOf(i, "intervals")}
		case itemPolicy:
			o.routes = use{NamesOf(i, "receivers"), NamesOf(i, "intervals")}
		}
	}
}

func (o *orgState) add(name, uid string) {
	if o.contacts[name] == nil {
		o.contacts[name] = map[string]bool{}
	}
	if uid != "" {
		o.contacts[name][uid] = true
		o.owner[uid] = name
	}
}

// remove deletes a receiver. It returns its contact point if that was the last receiver, else an empty string.
func (o *orgState) remove(uid string) (gone string) {
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

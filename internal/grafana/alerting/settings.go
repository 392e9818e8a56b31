package alerting

import (
	"reloader/internal/grafana/ini"
	"reloader/internal/grafana/validation"
)

var (
	ruleOff   = validation.NewRule("alerting-switched-off")
	ruleQuota = validation.NewRule("alert-rule-quota")
)

// SwitchedOff reports whether a setting, as Grafana shows it, is false.
func SwitchedOff(text string) bool {
	on, ok := ini.ParseBool(text)
	return ok && !on
}

// alertingOff warns about files that Grafana does not read because alerting is switched off in grafana.ini or in the server.
func alertingOff(p *validation.Pass, files []*file) {
	text, set, known := p.Setting("unified_alerting", "enabled")
	if !set || !known || !SwitchedOff(text) {
		return
	}
	for _, f := range files {
		if !f.empty() {
			p.Warnf(validation.Place{Path: f.file.Path, Line: 1, Column: 1}, ruleOff, "set [unified_alerting] enabled = true in grafana.ini, or remove the files",
				"alerting is switched off: Grafana answers the reload with 200 and loads nothing of this file")
			return
		}
	}
}

// quotas limit the alert rules of one organization, and of all together; negative means no limit.
type quotas struct{ org, all int }

// defaultOrgRules is the default of [quota] org_alert_rule.
const defaultOrgRules = 100

// ruleQuotas reads [quota], which has no effect unless it is enabled.
func ruleQuotas(p *validation.Pass) quotas {
	none := quotas{-1, -1}
	text, _, known := p.Setting("quota", "enabled")
	if on, _ := ini.ParseBool(text); !known || !on {
		return none
	}
	org, known := p.Whole("quota", "org_alert_rule", defaultOrgRules)
	if !known {
		org = -1
	}
	all, known := p.Whole("quota", "global_alert_rule", -1)
	if !known {
		all = -1
	}
	return quotas{org, all}
}

// overQuota reports a new rule that reaches the quota. Grafana 12.4 compares after it has written the rule, and fails as
// soon as there are as many rules as the quota (measured).
func (s *state) overQuota(g *group, r *rule, o *orgState) {
	if _, there := o.rules[r.uid.Text]; there {
		return
	}
	all := 0
	for _, other := range s.orgs {
		all += len(other.rules)
	}
	const why = "this rule reaches the quota (%s = %d), and files must stay below it: Grafana fails while writing the rules, and does not start"
	switch {
	case s.quota.org >= 0 && len(o.rules)+1 >= s.quota.org:
		s.p.Errorf(r.at, ruleQuota, "raise [quota] org_alert_rule in grafana.ini, or remove rules", why, "[quota] org_alert_rule", s.quota.org)
	case s.quota.all >= 0 && all+1 >= s.quota.all:
		s.p.Errorf(r.at, ruleQuota, "raise [quota] global_alert_rule in grafana.ini, or remove rules", why, "[quota] global_alert_rule", s.quota.all)
	default:
		return
	}
	s.quota = quotas{-1, -1} // one is enough
}

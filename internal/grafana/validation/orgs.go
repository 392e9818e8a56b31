package validation

import "reloader/internal/grafana/provisioning"

// RuleOrgUnknown is about organizations that do not exist.
var RuleOrgUnknown = NewLastingRule("org-unknown")

// OrgOf is the organization that an entry belongs to; 0 when unknown.
func OrgOf(i provisioning.Int) int64 {
	if !i.Known {
		return 0
	}
	if i.Value == 0 {
		return 1
	}
	return i.Value
}

// CheckOrg reports an organization that does not exist, with which a reload fails before it writes anything.
func (p *Pass) CheckOrg(at Place, id int64) {
	if id == 0 {
		return
	}
	exists, known := p.Live.HasOrg(id)
	switch {
	case exists:
	case known || id < 0:
		p.Errorf(at, RuleOrgUnknown, "create the organization first, or use another orgId", "organization %d does not exist: Grafana refuses all files of this kind", id)
	default:
		p.Warnf(at, RuleOrgUnknown, "", "organization %d must exist, or Grafana refuses all files of this kind", id)
	}
}

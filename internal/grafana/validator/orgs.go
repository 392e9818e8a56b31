package validator

import "reloader/internal/grafana/provisioning"

var ruleOrgUnknown = newLastingRule("org-unknown")

// org is the organization that an entry belongs to; 0 when that is not known.
func org(i provisioning.Int) int64 {
	if !i.Known {
		return 0
	}
	if i.Value == 0 {
		return 1
	}
	return i.Value
}

// checkOrg reports an organization that does not exist, which stops a reload before anything is written.
func (p *validation) checkOrg(at place, id int64) {
	if id == 0 {
		return
	}
	exists, known := p.live.hasOrg(id)
	switch {
	case exists:
	case known || id < 0:
		p.errorf(at, ruleOrgUnknown, "create the organization first, or use another orgId", "organization %d does not exist: Grafana refuses all files of this kind", id)
	default:
		p.warnf(at, ruleOrgUnknown, "", "organization %d must exist, or Grafana refuses all files of this kind", id)
	}
}

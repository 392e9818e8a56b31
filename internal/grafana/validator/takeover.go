package validator

import (
	"slices"
	"strings"

	"reloader/internal/grafana/alerting"
	"reloader/internal/grafana/validation"
)

var (
	ruleDSTakesOver   = validation.NewRule("datasource-takes-over")
	ruleDSDefault     = validation.NewRule("datasource-default-moves")
	ruleDSDeleteCase  = validation.NewRule("datasource-delete-case")
	ruleDashTakesOver = validation.NewRule("dashboard-takes-over")
)

// NeedsServer says whether a rule can find something only if the server was asked.
func NeedsServer(rule string) bool {
	return slices.Contains([]string{ruleDSTakesOver, ruleDSDefault, ruleDSDeleteCase, ruleDashTakesOver}, rule)
}

// ServerDecides are rules whose warnings mean that the server was not asked: once it was, its answers count instead.
func ServerDecides() []string {
	return []string{validation.RuleOrgUnknown, rulePluginInstalled, rulePluginOrgName, alerting.RuleReceiver, alerting.RuleIntervalRef, ruleCorrelationTarget}
}

// takeovers reports what the files change about data sources that did not come from files.
func takeovers(p *validation.Pass, files []*dsFile) {
	if p.Live == nil {
		return
	}
	had := map[orgKey]bool{}
	for _, i := range p.Before(itemDatasource) {
		had[itemKey(i)] = true
	}
	named := map[orgKey]*dsEntry{}
	defaults := map[int64]*dsEntry{} // by organization
	for _, f := range files {
		for _, e := range f.entries {
			named[orgKey{e.org, e.name.Text}] = e
			if e.isDefault.Value {
				defaults[e.org] = e
			}
		}
		for _, d := range f.deletes {
			deleteCase(p, d)
		}
	}
	for _, l := range p.Live.Datasources {
		key := orgKey{l.OrgID, l.Name}
		e := named[key]
		if e != nil && e.name.Known && p.Running != nil && !l.ReadOnly && !had[key] {
			p.Warnf(e.at, ruleDSTakesOver, "use another name to keep both", "Grafana has a data source with this name that did not come from these files: the file takes it over")
		}
		if def := defaults[l.OrgID]; l.Default && def != nil && (e == nil || !e.isDefault.Value) {
			p.Infof(def.file.At(def.isDefault.Node), ruleDSDefault, "", "the data source %q is the default now and will no longer be", l.Name)
		}
	}
}

// deleteCase reports a delete entry whose name differs from that of a data source only in case.
func deleteCase(p *validation.Pass, d *dsDelete) {
	if !d.name.Known {
		return
	}
	near := false
	for _, l := range p.Live.Datasources {
		if l.OrgID != d.org || !strings.EqualFold(l.Name, d.name.Text) {
			continue
		}
		if l.Name == d.name.Text {
			return
		}
		near = true
	}
	if near {
		p.Warnf(d.at, ruleDSDeleteCase, "write the name exactly", "Grafana has this data source under a name that differs in upper and lower case: nothing is deleted")
	}
}

// dashboardTakeover warns of a dashboard that did not come from these files and would be replaced.
func (c *dashboardCheck) dashboardTakeover(v *providerView, d *dashboard, at validation.Place) {
	if c.Live == nil || c.Running == nil {
		return
	}
	if c.theirUIDs == nil {
		c.loadTheirs()
	}
	sameUID := d.uid != "" && c.theirUIDs[orgKey{v.org, d.uid}]
	sameTitle := d.folder == "" && c.Version.Before(validation.V12) && c.theirTitles[orgKey{v.org, d.title}]
	if sameUID || sameTitle {
		c.Warnf(at, ruleDashTakesOver, "use another uid and title to keep both", "Grafana already has this dashboard, and not from these files: it is replaced")
	}
}

// loadTheirs collects the dashboards that do not come from the running files.
func (c *dashboardCheck) loadTheirs() {
	ours := map[string]bool{}
	for _, i := range c.Before(itemDashboard) {
		ours[i.Attrs["uid"]] = true
	}
	c.theirUIDs, c.theirTitles = map[orgKey]bool{}, map[orgKey]bool{}
	for _, l := range c.Live.Dashboards {
		if ours[l.UID] {
			continue
		}
		c.theirUIDs[orgKey{l.OrgID, l.UID}] = true
		if l.FolderUID == "" {
			c.theirTitles[orgKey{l.OrgID, l.Title}] = true
		}
	}
}

package validator

import (
	"slices"
	"strings"
)

var (
	ruleDSTakesOver   = newRule("datasource-takes-over")
	ruleDSDefault     = newRule("datasource-default-moves")
	ruleDSDeleteCase  = newRule("datasource-delete-case")
	ruleDashTakesOver = newRule("dashboard-takes-over")
)

// NeedsServer says that a rule can only find something when the server was asked.
func NeedsServer(rule string) bool {
	return slices.Contains([]string{ruleDSTakesOver, ruleDSDefault, ruleDSDeleteCase, ruleDashTakesOver}, rule)
}

// ServerDecides are rules whose warnings mean that the server was not asked: once it was, what it told counts in their
// place.
func ServerDecides() []string {
	return []string{ruleOrgUnknown, rulePluginInstalled, rulePluginOrgName, ruleALReceiver, ruleALIntervalRef, ruleCorrelationTarget}
}

// takeovers tells what the files change about data sources that were made otherwise.
func (p *validation) takeovers(files []*dsFile) {
	if p.live == nil {
		return
	}
	had := map[dsKey]bool{}
	for _, i := range p.before(itemDatasource) {
		had[itemKey(i)] = true
	}
	named := map[dsKey]*dsEntry{}
	defaults := map[int64]*dsEntry{} // by organization
	for _, f := range files {
		for _, e := range f.entries {
			named[dsKey{e.org, e.name.Text}] = e
			if e.isDefault.Value {
				defaults[e.org] = e
			}
		}
		for _, d := range f.deletes {
			p.deleteCase(d)
		}
	}
	for _, l := range p.live.Datasources {
		key := dsKey{l.OrgID, l.Name}
		e := named[key]
		if e != nil && e.name.Known && p.running != nil && !l.ReadOnly && !had[key] {
			p.warnf(e.at, ruleDSTakesOver, "use another name to keep both", "Grafana has a data source with this name that did not come from these files: the file takes it over")
		}
		if def := defaults[l.OrgID]; l.Default && def != nil && (e == nil || !e.isDefault.Value) {
			p.infof(def.file.at(def.isDefault.Node), ruleDSDefault, "", "the data source %q is the default now and will no longer be", l.Name)
		}
	}
}

// deleteCase finds delete entries that miss their data source by case alone.
func (p *validation) deleteCase(d *dsDelete) {
	if !d.name.Known {
		return
	}
	near := false
	for _, l := range p.live.Datasources {
		if l.OrgID != d.org || !strings.EqualFold(l.Name, d.name.Text) {
			continue
		}
		if l.Name == d.name.Text {
			return
		}
		near = true
	}
	if near {
		p.warnf(d.at, ruleDSDeleteCase, "write the name exactly", "Grafana has this data source under a name that differs in upper and lower case: nothing is deleted")
	}
}

// dashboardTakeover warns of a dashboard that was made otherwise and is replaced.
func (c *dashboardCheck) dashboardTakeover(v *providerView, d *dashboard, at place) {
	if c.live == nil || c.running == nil {
		return
	}
	if c.theirUIDs == nil {
		c.loadTheirs()
	}
	sameUID := d.uid != "" && c.theirUIDs[dsKey{v.org, d.uid}]
	sameTitle := d.folder == "" && c.version.Before(v12) && c.theirTitles[dsKey{v.org, d.title}]
	if sameUID || sameTitle {
		c.warnf(at, ruleDashTakesOver, "use another uid and title to keep both", "Grafana already has this dashboard, and not from these files: it is replaced")
	}
}

// loadTheirs collects the dashboards that are not from the files that run.
func (c *dashboardCheck) loadTheirs() {
	ours := map[string]bool{}
	for _, i := range c.before(itemDashboard) {
		ours[i.Attrs["uid"]] = true
	}
	c.theirUIDs, c.theirTitles = map[dsKey]bool{}, map[dsKey]bool{}
	for _, l := range c.live.Dashboards {
		if ours[l.UID] {
			continue
		}
		c.theirUIDs[dsKey{l.OrgID, l.UID}] = true
		if l.FolderUID == "" {
			c.theirTitles[dsKey{l.OrgID, l.Title}] = true
		}
	}
}

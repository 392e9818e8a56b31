package validator

import (
	"context"
	"fmt"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/alerting"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// New returns the validator of Grafana's files.
func New(opts validation.Options) finding.Validator { return &validator{opts: opts} }

type validator struct{ opts validation.Options }

// checkers are the kinds in the order in which Grafana reads them.
var checkers = []struct {
	role  string
	check func(*validation.Pass, *snapshot.Snapshot)
}{
	{grafana.Datasources, checkDatasources},
	{grafana.Plugins, checkPlugins},
	{grafana.Notifiers, checkNotifiers},
	{grafana.Alerting, alerting.Check},
	{grafana.Dashboards, checkDashboards},
	{grafana.Ini, checkIni},
}

// Kinds of items in the outline.
const (
	itemDatasource = "datasource"
	itemProvider   = "dashboard provider"
	itemDashboard  = "dashboard"
	itemPlugin     = "plugin app"
	itemNotifier   = "notifier"
)

// Expected is what the validator knows about what the server will show (finding.Result.Expected).
type Expected struct {
	// Skipped are the dashboard files that Grafana will not store, by their path in the server, with the rule that says
	// why: the proof must not wait for them.
	Skipped map[string]string
}

// Validate judges the files of all kinds together. It never calls a server.
func (v *validator) Validate(ctx context.Context, req finding.Request) (finding.Result, error) {
	if req.Set == nil {
		return finding.Result{}, fmt.Errorf("validate grafana files: no files were given")
	}
	p := validation.New(ctx, v.opts, req)
	for _, c := range checkers {
		if err := ctx.Err(); err != nil {
			return finding.Result{}, fmt.Errorf("validate grafana files: %w", context.Cause(ctx))
		}
		c.check(p, p.Source(c.role))
	}
	missingKinds(p)
	if ctx.Err() != nil {
		return finding.Result{}, fmt.Errorf("validate grafana files: %w", context.Cause(ctx))
	}
	if p.Err != nil {
		return finding.Result{}, fmt.Errorf("validate grafana files: %w", p.Err)
	}
	res := p.Result()
	res.Expected = &Expected{Skipped: p.Skipped}
	return res, nil
}

// Rules are the names of all rules, sorted.
func Rules() []string { return validation.Rules() }

// Guards are the rules that --allow can switch off, sorted.
func Guards() []string { return validation.Guards() }

var ruleKindMissing = validation.NewRule("kind-directory-missing")

// missingKinds reports directories that are not among the sources, as an info only: Grafana may have
// them in its image.
func missingKinds(p *validation.Pass) {
	provisioning := false
	for _, c := range checkers {
		provisioning = provisioning || c.role != grafana.Ini && p.Source(c.role) != nil
	}
	if !provisioning {
		return
	}
	for role, effect := range map[string]string{
		grafana.Datasources: "if Grafana has none either, data sources that were provisioned with prune are deleted",
		grafana.Dashboards:  "if Grafana has none either, the dashboards of all providers are deleted",
	} {
		if p.Source(role) == nil {
			p.Infof(validation.Place{Path: role}, ruleKindMissing, "", "there is no directory %s here: %s", role, effect)
		}
	}
}

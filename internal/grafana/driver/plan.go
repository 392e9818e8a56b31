package driver

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana/validator"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// kinds are the reload routes in the order in which Grafana itself provisions, with the source
// whose files they read.
var kinds = []struct{ route, role string }{
	{"datasources", validator.RoleDatasources},
	{"plugins", validator.RolePlugins},
	{"notifications", validator.RoleNotifiers},
	{"alerting", validator.RoleAlerting},
	{"dashboards", validator.RoleDashboards},
}

// plan is the driver's own part of a reload.Plan.
type plan struct {
	routes  []string
	restart bool
	digest  snapshot.Digest
	files   expectation
	// checked are the datasource names and dashboard uids whose details are read back one by
	// one; the others are only looked for in lists.
	changed map[string]bool
}

// Plan calls for the kinds whose files changed. Dashboard JSON asks for a dashboards call on every
// version: a poll comes seconds later, and since 12.3 the server's own watch misses every swap of a
// volume after the first.
func (d *Driver) Plan(ctx context.Context, c reload.Change) (reload.Plan, error) {
	p := plan{changed: map[string]bool{}}
	var out reload.Plan
	known := false
	if c.New != nil {
		p.digest = c.New.Digest
		p.files, known = d.recall(c.New.Digest)
	}
	p.routes = routes(c, p.changed)
	if c.Contents {
		p.files, known = expect(c.New, c.Server.Facts, &d.boards), true
		d.remember(c.New.Digest, p.files)
		if c.Server.Ready {
			findings, err := d.judge(ctx, c, p.uncertain(c.Last))
			if err != nil {
				return reload.Plan{}, err
			}
			out.Findings = findings
		}
	}
	for _, r := range p.routes {
		out.Calls = append(out.Calls, "POST /api/admin/provisioning/"+r+"/reload")
	}
	if known && p.files.ini != nil && c.Server.Ready {
		keys, err := d.waiting(ctx, p.files)
		if err != nil {
			return reload.Plan{}, err
		}
		out.RestartRequired = keys
		if len(keys) > 0 && d.restarts.wanted(d.o, p.files.iniDigest, d.o.Clock()) {
			p.restart = true
			out.Calls = append(out.Calls, "SIGTERM to the Grafana process")
		}
	}
	out.Data = p
	return out, nil
}

// routes are the kinds that a change concerns; changed collects the files, by source and name.
func routes(c reload.Change, changed map[string]bool) []string {
	concerned := map[string]bool{}
	if c.New == nil || c.Old == nil {
		if c.New == nil {
			return nil // nothing is known but a digest: the gate went back to before our start
		}
		for _, s := range c.New.Snapshots {
			concerned[roleOf(s.Source.Name)] = true
			for _, f := range s.Files {
				changed[path.Join(s.Source.Name, f.Name)] = true
			}
		}
	}
	for _, f := range c.Files {
		concerned[roleOf(f.Source)] = true
		changed[path.Join(f.Source, f.Name)] = true
	}
	var out []string
	for _, k := range kinds {
		if concerned[k.role] {
			out = append(out, k.route)
		}
	}
	return out
}

// roleOf is the kind that reads a source: sources that are none of the kinds hold dashboard JSON.
func roleOf(source string) string {
	switch source {
	case validator.RoleDatasources, validator.RolePlugins, validator.RoleNotifiers, validator.RoleAlerting, validator.RoleIni:
		return source
	}
	return validator.RoleDashboards
}

// uncertain are the kinds whose verdict depends on what the server has. That is not asked when it
// costs time and cannot matter: where only dashboard JSON changed, and where the data sources are, by
// organization, name, uid and being the default, those that the server was proven to run.
func (p plan) uncertain(last *reload.Plan) []string {
	return slices.DeleteFunc(slices.Clone(p.routes), func(route string) bool {
		switch route {
		case "dashboards":
			for name := range p.changed {
				if strings.HasPrefix(name, validator.RoleDashboards+"/") && path.Ext(name) != ".json" {
					return false
				}
			}
			return last != nil
		case "datasources":
			if last == nil {
				return false
			}
			before, ok := last.Data.(plan)
			return ok && p.files.identities != 0 && before.files.identities == p.files.identities
		}
		return false
	})
}

// judge asks the validator again, now with what only the server knows of the kinds that changed,
// and returns the errors and what nothing but the server could tell: everything else was said before.
func (d *Driver) judge(ctx context.Context, c reload.Change, routes []string) ([]finding.Finding, error) {
	if d.o.Validator == nil || len(routes) == 0 {
		return nil, nil
	}
	facts := c.Server.Facts
	live, err := d.live(ctx, routes)
	if err != nil {
		return nil, err
	}
	facts.Live = live
	res, err := d.o.Validator.Validate(ctx, finding.Request{Set: c.New, Facts: facts, Running: c.Running, Allow: d.o.Allow})
	if err != nil {
		return nil, fmt.Errorf("judge with what the server has: %w", err)
	}
	return slices.DeleteFunc(res.Findings, func(f finding.Finding) bool {
		return f.Severity != finding.Error && !validator.NeedsServer(f.Rule)
	}), nil
}

var errNoPlan = errors.New("the plan was not made by this driver")

package driver

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validator"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// plan is the driver's own part of a reload.Plan.
type plan struct {
	routes  []string
	restart bool
	digest  snapshot.Digest
	files   expectation
	// unknown says that only the digest of the files is known.
	unknown bool
	// changed are the files that differ, by source and name: their objects are compared first.
	changed map[string]bool
	// provisioning is the directory in which the server sees the files, according to reloader's configuration.
	provisioning string
	// settled says that the server has reported everything that the verdict on these files needed.
	settled bool
}

// Plan plans a reload of each kind whose files changed. Changed dashboard JSON needs a reload of dashboards in every
// version: Grafana's own poll comes only seconds later, and since 12.3 its watch misses every swap of a volume after
// the first.
func (d *Driver) Plan(ctx context.Context, c reload.Change) (reload.Plan, error) {
	p := plan{changed: map[string]bool{}}
	var out reload.Plan
	var before remembered
	known := false
	if c.New != nil {
		p.digest, p.provisioning = c.New.Digest, provisioningOf(c.New)
		before, known = d.recall(c.New.Digest)
		p.files = before.files
	}
	p.routes = d.routes(c, p.changed)
	if c.Contents {
		files, told := expectedOf(c.Expected, c.Server.Facts)
		if !told && known && before.facts == factsOf(c.Server.Facts) {
			files, told = p.files, true
		}
		p.files = files
		if c.Server.Ready || !told {
			routes := p.uncertain(c.Last, told)
			res, err := d.judge(ctx, c, routes, !told)
			if err != nil {
				return reload.Plan{}, err
			}
			out.Findings = res.Findings
			if p.settle(c, d.o.Validator != nil && (len(routes) > 0 || !told), res.Findings) {
				out.Settled = validator.ServerDecides()
			}
			if files, ok := expectedOf(res.Expected, c.Server.Facts); ok {
				p.files, told = files, true
			}
		}
		if known = told; told {
			d.remember(c.New.Digest, c.Server.Facts, p.files)
		}
	}
	if !known {
		p.files, known = expectedOf(c.Expected, c.Server.Facts)
	}
	p.unknown = !known
	for _, r := range p.routes {
		out.Calls = append(out.Calls, "POST /api/admin/provisioning/"+r+"/reload")
	}
	if known && p.files.Ini != nil && c.Server.Ready {
		keys, err := d.waiting(ctx, p.files)
		if err != nil {
			return reload.Plan{}, err
		}
		out.RestartRequired = keys
		if len(keys) > 0 && !d.settled.ambiguous && d.restarts.wanted(d.o, p.files.IniDigest, d.o.Clock()) {
			p.restart = true
			out.Calls = append(out.Calls, "SIGTERM to the Grafana process")
		}
	}
	if c.Server.Ready {
		d.warnAboutUser(ctx)
	}
	out.Data = p
	return out, nil
}

// routes are the kinds that a change concerns, and those that the newest comparison found different or unproven;
// changed collects the files, by source and name.
func (d *Driver) routes(c reload.Change, changed map[string]bool) []string {
	if c.New == nil {
		// Only a digest is known: the gate went back to files from before our start.
		return kindNames()
	}
	concerned := map[string]bool{}
	if c.Old == nil {
		for _, s := range c.New.Snapshots {
			concerned[routeOf(s.Source.Name)] = true
			for _, f := range s.Files {
				changed[path.Join(s.Source.Name, f.Name)] = true
			}
		}
	}
	for _, f := range c.Files {
		concerned[routeOf(f.Source)] = true
		changed[path.Join(f.Source, f.Name)] = true
	}
	return slices.DeleteFunc(kindNames(), func(route string) bool { return !concerned[route] && !d.heal[route] })
}

// routeOf is the route that reads a source; empty for grafana.ini.
func routeOf(source string) string {
	kind, _ := grafana.KindOf(source)
	return kind.Route
}

// uncertain are the kinds whose verdict depends on what the server has. The server is not asked when
// its answer cannot matter: if only dashboard JSON changed, or if the data sources have the same
// organizations, names, uids and default as those that the server was proven to run.
func (p plan) uncertain(last *reload.Plan, told bool) []string {
	if !told {
		return p.routes // only the verdict can say what the files say
	}
	return slices.DeleteFunc(slices.Clone(p.routes), func(route string) bool {
		switch route {
		case "dashboards":
			for name := range p.changed {
				if strings.HasPrefix(name, grafana.Dashboards+"/") && path.Ext(name) != ".json" {
					return false
				}
			}
			return last != nil
		case "datasources":
			if last == nil {
				return false
			}
			before, ok := last.Data.(plan)
			return ok && p.files.Identities != 0 && before.files.Identities == p.files.Identities
		}
		return false
	})
}

// judge asks the validator again, now with what only the server knows about these kinds. It returns the errors and the
// findings that need the server: all others were reported before. Without kinds it asks nothing, unless always is set.
func (d *Driver) judge(ctx context.Context, c reload.Change, routes []string, always bool) (finding.Result, error) {
	if d.o.Validator == nil || len(routes) == 0 && !always {
		return finding.Result{}, nil
	}
	facts := c.Server.Facts
	if c.Server.Ready {
		live, err := d.live(ctx, routes)
		if err != nil {
			return finding.Result{}, err
		}
		facts.Live = live
	}
	res, err := d.o.Validator.Validate(ctx, finding.Request{Set: c.New, Facts: facts, Running: c.Running, Allow: d.o.Allow})
	if err != nil {
		return finding.Result{}, fmt.Errorf("judge with what the server has: %w", err)
	}
	res.Findings = slices.DeleteFunc(res.Findings, func(f finding.Finding) bool {
		return f.Severity != finding.Error && !validator.NeedsServer(f.Rule) && (!c.Server.Ready || !slices.Contains(validator.ServerDecides(), f.Rule))
	})
	return res, nil
}

// settle says whether the server's answers replace the warnings of the first verdict. If the server was not asked,
// because nothing relevant has changed, its earlier answers still count.
func (p *plan) settle(c reload.Change, asked bool, left []finding.Finding) bool {
	if !c.Server.Ready {
		return false
	}
	if asked {
		p.settled = !slices.ContainsFunc(left, func(f finding.Finding) bool {
			return f.Severity == finding.Warning && slices.Contains(validator.ServerDecides(), f.Rule)
		})
		return true
	}
	if c.Last != nil {
		last, ok := c.Last.Data.(plan)
		p.settled = ok && last.settled
	}
	return p.settled
}

var errNoPlan = errors.New("the plan was not made by this driver")

// kindNames are the routes of all kinds, in Grafana's order.
func kindNames() []string {
	var out []string
	for _, k := range grafana.Kinds {
		out = append(out, k.Route)
	}
	return out
}

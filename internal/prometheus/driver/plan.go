package driver

import (
	"context"
	"slices"
	"time"

	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// plan is what Confirm needs to know about a change.
type plan struct {
	digest snapshot.Digest
	// expected is what the server will show; nil when that is not known.
	expected *proof.Expected
	// changed are the rule files to ask for if all others were compared before; nil means all.
	changed []string
	// changedJobs are the jobs of scrape_config_files to ask for; nil means all.
	changedJobs []string
}

// Plan implements reload.Driver.
func (d *Driver) Plan(_ context.Context, c reload.Change) (reload.Plan, error) {
	var data plan
	data.expected, _ = c.Expected.(*proof.Expected)
	if c.New != nil {
		data.digest = c.New.Digest
	}
	if e := data.expected; e != nil {
		d.memory.plan(e.Text, time.Now())
		if last := lastExpected(c); last != nil && c.Old != nil && c.New != nil {
			data.changed, data.changedJobs = changedRules(c, last, e), proof.ChangedJobs(last, e)
		}
	}
	p := reload.Plan{Data: data, Findings: d.findings()}
	if !needsReload(c) {
		return p, nil
	}
	p.Calls = []string{"POST " + pathReload}
	if d.o.Method == Signal {
		p.Calls = []string{"SIGHUP"}
	}
	return p, nil
}

// findings report problems of the server itself before the first change fails because of them.
func (d *Driver) findings() []finding.Finding {
	if !d.disabled || d.o.Method == Signal {
		return nil
	}
	return []finding.Finding{{
		File: d.o.UserFile, Severity: finding.Warning, Rule: validator.RuleLifecycle,
		Message: "Prometheus runs without --web.enable-lifecycle: it will refuse every reload",
		Hint:    "start it with --web.enable-lifecycle, or use --prometheus-method=signal",
	}}
}

func lastExpected(c reload.Change) *proof.Expected {
	if c.Last == nil {
		return nil
	}
	data, _ := c.Last.Data.(plan)
	return data.expected
}

// needsReload reports whether the change has more than files that the server reads again by itself. Any file that is
// not known to be one needs a reload.
func needsReload(c reload.Change) bool {
	now, _ := c.Expected.(*proof.Expected)
	before := lastExpected(c)
	if c.Old == nil || c.New == nil || now == nil || before == nil {
		return true
	}
	return slices.ContainsFunc(changedPaths(c), func(p string) bool {
		_, a := slices.BinarySearch(now.Rereads, p)
		_, b := slices.BinarySearch(before.Rereads, p)
		return p == "" || !a && !b
	})
}

// changedPaths are the changed files as the server names them; empty for a file whose source is gone.
func changedPaths(c reload.Change) []string {
	dirs := map[string]snapshot.Source{}
	for _, s := range c.New.Snapshots {
		dirs[s.Source.Name] = s.Source
	}
	paths := make([]string, len(c.Files))
	for i, f := range c.Files {
		if src, known := dirs[f.Source]; known {
			paths[i] = src.ServerPath(f.Name)
		}
	}
	return paths
}

// maxAsked is how many rule files are requested by name; if more changed, all are.
const maxAsked = 50

// changedRules are the rule files whose groups changed, and those that were sent in between and never proven; nil
// means all.
func changedRules(c reload.Change, last, now *proof.Expected) []string {
	changed := proof.Changed(last, now)
	if len(changed)+len(c.Files) > maxAsked {
		return nil
	}
	for _, p := range changedPaths(c) {
		if p == "" {
			return nil
		}
		if !slices.Contains(changed, p) {
			changed = append(changed, p)
		}
	}
	for _, f := range now.Rules {
		if proof.Path(f.Path) != f.Path { // it would have to be requested under two names
			return nil
		}
	}
	return changed
}

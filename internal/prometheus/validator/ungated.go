package validator

import (
	"context"
	"fmt"
	"path/filepath"

	"reloader/internal/finding"
	"reloader/internal/prometheus/references"
)

// RulePastGate is the rule for files that a gated Prometheus reads from outside the gate; docs/gated.md explains it.
const RulePastGate = "past-the-gate"

// WarnUngated adds warnings to a validator, about files that the server reads from outside the gate. A broken one is not
// loaded now, but it stops the server's next start, which is what the gate should prevent.
func WarnUngated(v finding.Validator, gate string, role func(serverPath string) references.Role) finding.Validator {
	return ungated{v, gate, role}
}

type ungated struct {
	finding.Validator
	gate string // as the server sees it
	role func(serverPath string) references.Role
}

// Validate implements finding.Validator.
func (u ungated) Validate(ctx context.Context, req finding.Request) (finding.Result, error) {
	res, err := u.Validator.Validate(ctx, req)
	if err != nil || req.Set == nil {
		return res, err
	}
	for _, s := range req.Set.Snapshots {
		dir := s.Source.ServerPath("")
		if rel, err := filepath.Rel(u.gate, dir); err == nil && filepath.IsLocal(rel) {
			continue
		}
		for _, f := range s.Files {
			if !u.role(s.Source.ServerPath(f.Name)).NeedsReload() {
				continue
			}
			res.Findings = append(res.Findings, finding.Finding{
				File: s.Source.UserPath(f.Name), Severity: finding.Warning, Rule: RulePastGate,
				Message: fmt.Sprintf("the server reads %s from outside the gate: a broken file there stops its next start", dir),
				Hint:    "in prometheus.yml name it by a path below the gate, and give its directory with --prometheus-dir",
			})
			break // one for each directory
		}
	}
	finding.Sort(res.Findings)
	return res, nil
}

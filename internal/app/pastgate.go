package app

import (
	"context"
	"fmt"
	"path/filepath"

	"reloader/internal/sources"
	"reloader/internal/validate"
)

// RulePastGate names the finding about files of a gated Prometheus that do not go through the gate;
// docs/gated.md explains it.
const RulePastGate = "past-the-gate"

// pastGate warns of files that the server reads where somebody else writes them: a broken one causes no
// reload, and yet stops the server's next start, which the gate is there to prevent.
type pastGate struct {
	validate.Validator
	gate  string // as the server sees it
	roles *sources.PrometheusReader
}

// Validate implements validate.Validator.
func (p pastGate) Validate(ctx context.Context, req validate.Request) (validate.Result, error) {
	res, err := p.Validator.Validate(ctx, req)
	if err != nil || req.Set == nil {
		return res, err
	}
	for _, s := range req.Set.Snapshots {
		dir := s.Source.ServerPath("")
		if rel, err := filepath.Rel(p.gate, dir); err == nil && filepath.IsLocal(rel) {
			continue
		}
		for _, f := range s.Files {
			if !p.roles.Role(s.Source.ServerPath(f.Name)).NeedsReload() {
				continue
			}
			res.Findings = append(res.Findings, validate.Finding{
				File: s.Source.UserPath(f.Name), Severity: validate.Warning, Rule: RulePastGate,
				Message: fmt.Sprintf("the server reads %s past the gate: a broken file there stops its next start", dir),
				Hint:    "name it in prometheus.yml by a path below the gate, and the directory with --prometheus-dir",
			})
			break // one for each directory
		}
	}
	validate.Sort(res.Findings)
	return res, nil
}

package transform

import (
	"context"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Step applies the options to the readings of one target and hands what it found to the verdict on them.
// It belongs to the target's goroutine: a verdict is on the newest reading.
type Step struct {
	opts     Options
	findings map[string][]finding.Finding
}

// NewStep makes a Step.
func NewStep(o Options) *Step { return &Step{opts: o, findings: map[string][]finding.Finding{}} }

// Snapshot changes the newest reading of one source.
func (s *Step) Snapshot(in *snapshot.Snapshot) *snapshot.Snapshot {
	out, findings := Apply(in, s.opts)
	s.findings[in.Source.Name] = findings
	return out
}

// Validator adds the findings to those of another validator.
func (s *Step) Validator(inner finding.Validator) finding.Validator {
	return &validator{step: s, inner: inner}
}

type validator struct {
	step  *Step
	inner finding.Validator
}

// Validate implements finding.Validator.
func (v *validator) Validate(ctx context.Context, req finding.Request) (finding.Result, error) {
	res, err := v.inner.Validate(ctx, req)
	if err != nil {
		return res, err
	}
	for _, s := range req.Set.Snapshots {
		res.Findings = append(res.Findings, v.step.findings[s.Source.Name]...)
	}
	finding.Sort(res.Findings)
	return res, nil
}

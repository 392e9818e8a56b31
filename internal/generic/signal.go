package generic

import (
	"context"

	"reloader/internal/process"
	"reloader/internal/reload"
)

// Signal sends SIGHUP to a process in a shared process namespace. Nothing proves what the process then does.
type Signal struct {
	name string
}

// NewSignal makes a driver for the process with that name.
func NewSignal(name string) *Signal { return &Signal{name: name} }

// Observe implements reload.Driver.
func (d *Signal) Observe(context.Context) (reload.Observation, error) {
	return process.Observe(d.name), nil
}

// Plan implements reload.Driver.
func (d *Signal) Plan(context.Context, reload.Change) (reload.Plan, error) {
	return reload.Plan{Calls: []string{"SIGHUP"}}, nil
}

// Reload implements reload.Driver.
func (d *Signal) Reload(context.Context, reload.Plan) error {
	p, err := process.Find(d.name)
	if err != nil {
		return err
	}
	return p.HangUp()
}

// Confirm implements reload.Driver. A process that the signal killed proves nothing.
func (d *Signal) Confirm(_ context.Context, _ reload.Plan, proof reload.Proof) (reload.Verdict, error) {
	if !proof.Reloaded {
		return reload.Verdict{Reason: "a process does not report what it runs"}, nil
	}
	switch after := process.Observe(d.name); {
	case !after.Ready:
		return reload.Verdict{Reason: after.Reason}, nil
	case after.Epoch != proof.Before.Epoch:
		return reload.Verdict{Reason: "the process ended and another one started"}, nil
	default:
		return reload.Verdict{Proven: true, By: "SIGHUP was sent; contents not proven", After: after}, nil
	}
}

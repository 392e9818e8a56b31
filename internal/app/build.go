package app

import (
	"fmt"
	"time"

	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/internal/inputs"
	"reloader/internal/reload"
)

// build makes everything of one target. What it opened is closed again when it fails.
func (a *App) build(cfg config.Config, t config.Target) (*unit, error) {
	r, judge := inputs.New(cfg, t)
	driver, err := newDriver(t, r, judge, a.log.With("target", t.Name))
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	gate, err := inputs.OpenGate(t)
	if err != nil {
		return nil, err
	}
	u := &unit{cfg: t}
	if gate != nil {
		u.gate, u.closers = gate, append(u.closers, gate)
		for _, repair := range gate.Repairs() {
			a.log.Warn("the gate was repaired", "target", t.Name, "repair", repair)
		}
	}
	a.cluster.dirs.Store(t.Name, r.Dirs())
	u.hints = a.watcher.Subscribe(r.Dirs())
	u.target, err = reload.New(reload.Options{
		Name: t.Name, Kind: string(t.Kind),
		Reader: &processors{Reader: r}, Watch: u.hints, Validator: judge, Driver: driver, Gate: u.gate,
		Observer: observers{a.tracker, a.memory, a.cluster.observer(), a.history}, Logger: a.log,
		Allow: t.Allow, Facts: inputs.Facts(t), Diff: finding.DiffOutline, Settle: settle(cfg), ObserveInterval: observeInterval(cfg),
	})
	if err != nil {
		_ = u.stop(0)
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	return u, nil
}

// observeInterval is a little longer than that of polling, so that a poll is what makes an idle target look at its
// server, too.
func observeInterval(cfg config.Config) time.Duration { return cfg.PollInterval + cfg.PollInterval/4 }

// settle translates "not at all" into what the target understands.
func settle(cfg config.Config) time.Duration {
	if cfg.Settle == 0 {
		return -1
	}
	return cfg.Settle
}

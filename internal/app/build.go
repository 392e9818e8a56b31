package app

import (
	"fmt"
	"net/url"
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
		Allow: t.Allow, Facts: inputs.Facts(t), Diff: finding.DiffOutline, Settle: settle(cfg),
		ObserveInterval: observeInterval(cfg, t), CompareInterval: compareInterval(t), Address: address(t),
	})
	if err != nil {
		_ = u.stop(0)
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	return u, nil
}

// observeEvery is how often a server is asked that tells in one small request whether it restarted or loaded.
const observeEvery = 5 * time.Second

// observeInterval is short for a server that is asked with one small request. For any other it is a little longer
// than that of polling, so that a poll is what makes an idle target look at its server, too.
func observeInterval(cfg config.Config, t config.Target) time.Duration {
	every := cfg.PollInterval + cfg.PollInterval/4
	if t.URL != "" && (t.Kind == config.Prometheus || t.Kind == config.Grafana) {
		return min(observeEvery, every)
	}
	return every
}

// compareInterval is the default where the server tells what it runs, and never where it does not.
func compareInterval(t config.Target) time.Duration {
	if t.URL != "" && (t.Kind == config.Prometheus || t.Kind == config.Grafana) {
		return 0
	}
	return -1
}

// address names the server in messages, without what could be a secret in the URL.
func address(t config.Target) string {
	u, err := url.Parse(t.URL)
	if t.URL == "" || err != nil {
		return "process " + t.ProcessName
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// settle translates "not at all" into what the target understands.
func settle(cfg config.Config) time.Duration {
	if cfg.Settle == 0 {
		return -1
	}
	return cfg.Settle
}

package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/internal/gate"
	"reloader/internal/inputs"
	"reloader/internal/reload"
)

// build makes all parts of one target. A unit that replaces another one takes over its gate. If build fails, it closes
// what it opened.
func (a *App) build(ctx context.Context, cfg config.Config, t config.Target, previous *unit) (*unit, error) {
	r, judge := inputs.New(cfg, t)
	driver, err := newDriver(cfg, t, judge, a.log.With("target", t.Name))
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	u := &unit{cfg: t, driver: driver, previous: previous, reader: newPatientReader(r)}
	switch {
	case t.Gate.Path == "":
	case previous != nil:
		u.gate = previous.gate
	default:
		opened, err := a.openGate(ctx, t)
		if err != nil {
			return nil, a.heldElsewhere(t, err)
		}
		u.gate, u.kept = opened.Gate, opened.history
	}
	a.cluster.dirs.Store(t.Name, r.Dirs())
	u.hints = a.watcher.Subscribe(r.Dirs())
	if u.prepare = inputs.Prepare(cfg, t); u.prepare != nil {
		u.hints.Stirs(u.prepare)
	}
	u.target, err = reload.New(a.options(cfg, u, judge))
	if err != nil {
		u.handedOn = previous != nil
		u.release()
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	return u, nil
}

// openedGate is a gate with the history that it keeps.
type openedGate struct {
	*gate.Gate
	history []byte
}

// openGate waits for a disk no longer than for a reading: repairing a gate reads its files.
func (a *App) openGate(ctx context.Context, t config.Target) (openedGate, error) {
	return patiently(ctx, "open gate "+t.Gate.Path, readPatience, func() (openedGate, error) {
		g, err := inputs.OpenGate(t, func(what string) { a.log.Warn("the gate was repaired", "target", t.Name, "repair", what) })
		if err != nil {
			return openedGate{}, err
		}
		return openedGate{g, g.History()}, nil
	}, func(g openedGate) { _ = g.Close() }) // so that another attempt can have it
}

// options puts a unit's parts together. Reading files that others write gets a time limit, and code that parses them
// cannot end the process.
func (a *App) options(cfg config.Config, u *unit, judge finding.Validator) reload.Options {
	o := reload.Options{
		Name: u.cfg.Name, Kind: string(u.cfg.Kind),
		Reader: u.reader, Watch: u.hints, Validator: guarded{judge}, Driver: planGuard{u.driver},
		Observer: observers{a.tracker, a.memory, a.cluster.observer(), a.history}, Logger: a.log,
		Allow: u.cfg.Allow, Facts: inputs.Facts(u.cfg), Diff: finding.DiffOutline, Settle: settle(cfg),
		ObserveInterval: observeInterval(cfg, u.cfg), CompareInterval: compareInterval(u.cfg), Address: address(u.cfg),
	}
	if u.gate != nil {
		o.Gate = u.gate
	}
	return o
}

// heldElsewhere explains the error of opening a gate that another target of this process holds.
func (a *App) heldElsewhere(t config.Target, err error) error {
	if !errors.Is(err, gate.ErrLocked) {
		return err
	}
	want, statErr := os.Stat(t.Gate.Path)
	if statErr != nil {
		return err
	}
	gates := map[string]string{}
	a.mu.Lock()
	for name, u := range a.units {
		if u.gate != nil {
			gates[name] = u.cfg.Gate.Path
		}
	}
	a.mu.Unlock() // a stop must not wait for a disk
	for name, path := range gates {
		if info, statErr := os.Stat(path); statErr == nil && os.SameFile(info, want) {
			return fmt.Errorf("target %s: gate %s belongs to target %s; moving it to another target needs a restart of reloader", t.Name, t.Gate.Path, name)
		}
	}
	return err
}

// observeEvery is how often to ask a server whose answer to one small request shows each restart and load.
const observeEvery = 5 * time.Second

// observeInterval is short for a server that is asked with one small request. For any other it is a little longer
// than the poll interval, so that a poll also makes an idle target look at its server.
func observeInterval(cfg config.Config, t config.Target) time.Duration {
	every := cfg.PollInterval + cfg.PollInterval/4
	if tellsWhatItRuns(t) {
		return min(observeEvery, every)
	}
	return every
}

// tellsWhatItRuns reports whether the server of a target has an API that shows what it runs.
func tellsWhatItRuns(t config.Target) bool {
	return t.URL != "" && (t.Kind == config.Prometheus || t.Kind == config.Grafana)
}

// compareInterval is the default (0) if the server shows what it runs; otherwise never (-1).
func compareInterval(t config.Target) time.Duration {
	if tellsWhatItRuns(t) {
		return 0
	}
	return -1
}

// address names the server in messages, without what could be a secret in the URL.
func address(t config.Target) string {
	u, err := url.Parse(serverURL(t))
	if t.URL == "" || err != nil {
		return "process " + t.ProcessName
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// settle translates the setting 0, "not at all", into the target's -1.
func settle(cfg config.Config) time.Duration {
	if cfg.Settle == 0 {
		return -1
	}
	return cfg.Settle
}

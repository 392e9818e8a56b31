package app

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"reloader/internal/config"
	"reloader/internal/publish"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/sources"
	"reloader/internal/transform"
	"reloader/internal/validate"
	"reloader/internal/validate/grafana"
	"reloader/internal/validate/plain"
	"reloader/internal/validate/promcheck"
)

// newReader makes the reader of a target's sources.
func newReader(t config.Target) reader {
	switch t.Kind {
	case config.Prometheus:
		o := sources.PrometheusOptions{ConfigFile: t.ConfigFile.Path, ServerConfigFile: serverConfigFile(t)}
		for _, d := range t.Dirs {
			src := snapshot.Source{Name: filepath.Base(d.Path), Dir: d.Path, ServerDir: d.ServerPath}
			if gate := serverDir(t.Gate); gate != "" && src.ServerDir == "" {
				src.ServerDir = path.Join(gate, publish.Place(filepath.Dir(t.ConfigFile.Path), src))
			}
			o.Dirs = append(o.Dirs, src)
		}
		return sources.Prometheus(o)
	case config.Grafana:
		return newGrafanaReader(t)
	default:
		var all []snapshot.Source
		for _, d := range t.Dirs {
			src := snapshot.Source{Name: filepath.Base(d.Path), Dir: d.Path, ServerDir: d.ServerPath}
			if gate := serverDir(t.Gate); gate != "" && src.ServerDir == "" {
				src.ServerDir = gate
				if len(t.Dirs) > 1 {
					src.ServerDir = path.Join(gate, src.Name)
				}
			}
			all = append(all, src)
		}
		return sources.Fixed(snapshot.Limits{}, all...)
	}
}

// newGrafanaReader reads the kind directories that exist, and the ini file's directory.
func newGrafanaReader(t config.Target) reader {
	all := sources.Grafana(t.Provisioning.Path, t.Ini.Path)
	for i, src := range all {
		switch {
		case src.Name == grafana.RoleIni:
			// Inside of the gate it is published, else the server reads it where it is.
			if t.Ini.ServerPath != "" {
				all[i].ServerDir = path.Dir(t.Ini.ServerPath)
			}
		case t.Gate.Path != "":
			all[i].ServerDir = path.Join(serverDir(t.Gate), src.Name)
		case t.Provisioning.ServerPath != "":
			all[i].ServerDir = path.Join(t.Provisioning.ServerPath, src.Name)
		}
	}
	return sources.GrafanaReader(snapshot.Limits{}, all...)
}

// newInputs makes the reader of a target's sources and the judge of what it reads.
func newInputs(cfg config.Config, t config.Target) (reader, validate.Validator) {
	r, judge := newReader(t), newValidator(cfg, t)
	if roles, ok := r.(*sources.PrometheusReader); ok && t.Gate.Path != "" {
		judge = pastGate{judge, serverDir(t.Gate), roles}
	}
	o := transform.Options{Gunzip: t.Gunzip, Expand: t.ExpandEnv, Lookup: os.LookupEnv}
	if o.Empty() {
		return r, judge
	}
	step := transform.NewStep(o)
	r.Change(step.Snapshot)
	return r, step.Validator(judge)
}

// serverDir is where the server sees a directory; empty when there is none.
func serverDir(m config.Mount) string {
	if m.ServerPath != "" {
		return m.ServerPath
	}
	return m.Path
}

// newValidator makes the judge of a target's files.
func newValidator(cfg config.Config, t config.Target) validate.Validator {
	switch t.Kind {
	case config.Prometheus:
		return promcheck.New(promcheck.Options{Main: t.ConfigFile.Path, Program: cfg.Promcheck, External: t.Validator})
	case config.Grafana:
		return grafana.New(grafana.Options{})
	default:
		return plain.Validator{}
	}
}

// facts are what is taken for true until the server was asked.
func facts(t config.Target) validate.Facts {
	return validate.Facts{Version: t.Version, SameEnv: t.SameEnv}
}

// What a target asks of its gate, and what it asks only of one that can tell.
var (
	_ reload.Gate                                 = (*publish.Gate)(nil)
	_ interface{ LastAccepted() snapshot.Digest } = (*publish.Gate)(nil)
	_ reload.Rememberer                           = (*publish.Gate)(nil)
)

// openGate opens the directory that only we write; nil when the target has none.
func openGate(t config.Target) (*publish.Gate, error) {
	if t.Gate.Path == "" {
		return nil, nil
	}
	mode, err := t.FileMode()
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	gate, err := publish.Open(t.Gate.Path, publish.Options{Keep: t.KeepGenerations, FileMode: mode, ServerDir: t.Gate.ServerPath})
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	return gate, nil
}

// build makes everything of one target. What it opened is closed again when it fails.
func (a *App) build(cfg config.Config, t config.Target) (*unit, error) {
	r, judge := newInputs(cfg, t)
	driver, err := newDriver(t, r, judge, a.log.With("target", t.Name))
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	gate, err := openGate(t)
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
	u.hints = a.watcher.Subscribe(r.Dirs())
	u.target, err = reload.New(reload.Options{
		Name: t.Name, Kind: string(t.Kind),
		Reader: &following{reader: r, hints: u.hints}, Validator: judge, Driver: driver, Gate: u.gate,
		Observer: observers{a.tracker, a.memory, a.cluster.observer()}, Logger: a.log,
		Allow: t.Allow, Facts: facts(t), Diff: validate.DiffOutline, Settle: settle(cfg), ObserveInterval: observeInterval(cfg),
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

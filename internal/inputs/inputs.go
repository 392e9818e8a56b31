// Package inputs makes a target's reader, validator and gate from its configuration.
package inputs

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"reloader/internal/config"
	"reloader/internal/finding"
	gates "reloader/internal/gate"
	"reloader/internal/generic"
	"reloader/internal/grafana"
	"reloader/internal/grafana/child"
	"reloader/internal/grafana/driver"
	"reloader/internal/grafana/validation"
	grafanavalidator "reloader/internal/grafana/validator"
	"reloader/internal/prometheus/references"
	prometheusvalidator "reloader/internal/prometheus/validator"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/sources"
	"reloader/internal/transform"
)

// Reader reads a target's sources.
type Reader interface {
	reload.Reader
	// Change sets the function that changes each reading before it is validated.
	Change(f func(*snapshot.Snapshot) (*snapshot.Snapshot, []finding.Finding))
}

// NewReader makes the reader of a target's sources.
func NewReader(t config.Target) Reader {
	gate := ServerDir(t.Gate)
	var dirs []snapshot.Source
	for _, d := range t.Dirs {
		src := snapshot.Source{Name: filepath.Base(d.Path), Dir: d.Path, ServerDir: d.ServerPath}
		switch {
		case gate == "" || src.ServerDir != "":
		case t.Kind == config.Prometheus:
			src.ServerDir = path.Join(gate, gates.Place(filepath.Dir(t.ConfigFile.Path), src))
		case len(t.Dirs) > 1:
			src.ServerDir = path.Join(gate, src.Name)
		default:
			src.ServerDir = gate
		}
		dirs = append(dirs, src)
	}
	switch t.Kind {
	case config.Prometheus:
		return references.New(references.Options{ConfigFile: t.ConfigFile.Path, ServerConfigFile: ServerConfigFile(t), Dirs: dirs})
	case config.Grafana:
		return newGrafanaReader(t)
	default:
		return sources.New(sources.Options{Required: dirs})
	}
}

// newGrafanaReader reads the kind directories that exist, and the ini file's directory.
func newGrafanaReader(t config.Target) Reader {
	all := grafana.Sources(t.Provisioning.Path, t.Ini.Path)
	for i, src := range all {
		switch {
		case src.Name == grafana.Ini:
			// With a path inside the gate it is published; otherwise the server reads it where it is.
			if t.Ini.ServerPath != "" {
				all[i].ServerDir = path.Dir(t.Ini.ServerPath)
			}
		case t.Gate.Path != "":
			all[i].ServerDir = path.Join(ServerDir(t.Gate), src.Name)
		case t.Provisioning.ServerPath != "":
			all[i].ServerDir = path.Join(t.Provisioning.ServerPath, src.Name)
		}
	}
	return grafana.NewReader(snapshot.Limits{}, all...)
}

// New makes a target's reader and the validator of what it reads.
func New(cfg config.Config, t config.Target) (Reader, finding.Validator) {
	r, judge := NewReader(t), NewValidator(cfg, t)
	if roles, ok := r.(*references.Reader); ok && t.Gate.Path != "" {
		judge = finding.Ignoring(prometheusvalidator.WarnUngated(judge, ServerDir(t.Gate), roles.Role), Ignored(t.Ignore))
	}
	o := transform.Options{Gunzip: t.Gunzip, Expand: t.ExpandEnv, Names: t.ExpandEnvNames, Lookup: os.LookupEnv}
	if !o.Empty() {
		values := &transform.Values{}
		r.Change(func(s *snapshot.Snapshot) (*snapshot.Snapshot, []finding.Finding) { return values.Apply(s, o) })
		judge = values.Hide(judge)
	}
	return r, judge
}

// ServerDir is where the server sees a directory; empty when there is none.
func ServerDir(m config.Mount) string { return cmp.Or(m.ServerPath, m.Path) }

// NewValidator makes the validator of a target's files. For every kind its findings are bounded in number and reveal
// nothing about files that do not belong to the server.
func NewValidator(cfg config.Config, t config.Target) finding.Validator {
	return finding.Bounded(finding.Ignoring(finding.Guarded(newValidator(cfg, t)), Ignored(t.Ignore)))
}

// Ignored are the findings that the configuration accepts. Invalid ones were reported before and are skipped.
func Ignored(list []string) []finding.Ignore {
	var all []finding.Ignore
	for _, s := range list {
		if i, err := finding.ParseIgnore(s); err == nil {
			all = append(all, i)
		}
	}
	return all
}

func newValidator(cfg config.Config, t config.Target) finding.Validator {
	switch t.Kind {
	case config.Prometheus:
		return prometheusvalidator.New(prometheusvalidator.Options{Main: t.ConfigFile.Path, Program: cfg.Promcheck, External: t.Validator})
	case config.Grafana:
		return NewGrafanaValidator(cfg)
	default:
		return generic.Validator{}
	}
}

// Prepare returns a function that gets the validator ready at the first sign of a change; nil if there is nothing to do.
func Prepare(cfg config.Config, t config.Target) func() {
	if t.Kind != config.Prometheus || t.Validator != "" {
		return nil
	}
	return prometheusvalidator.New(prometheusvalidator.Options{Main: t.ConfigFile.Path, Program: cfg.Promcheck}).Prepare
}

// NewGrafanaValidator makes the validator of Grafana's files: a separate process if reloader knows its own program.
func NewGrafanaValidator(cfg config.Config) finding.Validator {
	if cfg.Self == "" {
		return driver.Expecting(grafanavalidator.New(validation.Options{}))
	}
	return child.New(child.Options{Program: cfg.Self, Environ: os.Environ})
}

// NewComparer makes what compares a Prometheus' answers with its files.
func NewComparer(cfg config.Config, t config.Target) *prometheusvalidator.Validator {
	return prometheusvalidator.New(prometheusvalidator.Options{Main: t.ConfigFile.Path, Program: cfg.Promcheck})
}

// Facts are what is assumed about the server until it was asked.
func Facts(t config.Target) finding.Facts {
	return finding.Facts{Version: t.Version, Agent: t.Agent, Features: config.Features(t.Features), SameEnv: t.SameEnv}
}

// OpenGate opens a target's gate, which only reloader writes; nil when the target has none.
// repaired is called with what had to be repaired; it may be nil.
func OpenGate(t config.Target, repaired func(what string)) (*gates.Gate, error) {
	if t.Gate.Path == "" {
		return nil, nil
	}
	mode, err := t.FileMode()
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	gate, err := gates.Open(t.Gate.Path, gates.Options{Keep: t.KeepGenerations, FileMode: mode, ServerDir: t.Gate.ServerPath, Repaired: repaired})
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	return gate, nil
}

// ServerConfigFile is Prometheus' main file as the server sees it.
func ServerConfigFile(t config.Target) string {
	if gate := ServerDir(t.Gate); gate != "" {
		return path.Join(gate, filepath.Base(t.ConfigFile.Path))
	}
	return ServerDir(t.ConfigFile)
}

package validation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/expand"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/snapshot"
)

// Options replace how the checks read their own environment; the zero value uses the system's.
type Options struct {
	// Env is used for expansion; its Same is set from the facts of each request.
	Env expand.Env
	// DirExists reports whether a directory of the server exists, for requests with Facts.SameEnv.
	DirExists func(string) bool
}

// Pass is one validation: what it knows, and what it found so far.
type Pass struct {
	ctx     context.Context
	Opts    Options
	Env     expand.Env
	Set     *snapshot.Set
	Version grafana.Version
	// Told is the version as the server reported it; empty when unknown.
	Told    string
	Same    bool
	Live    *Live
	Running *finding.Outline
	allow   []string

	Findings collector
	Outline  []finding.Item
	// reading is the decoder of each file.
	reading map[string]*provisioning.Decoder
	// Skipped are the dashboard files that Grafana does not store.
	Skipped map[string]string
	// nothing are the files of the current kind that define nothing.
	nothing []Place
	// Err says that no verdict is possible.
	Err error
}

// New starts a pass over the files of a request.
func New(ctx context.Context, opts Options, req finding.Request) *Pass {
	p := &Pass{
		ctx: ctx, Opts: opts, Env: opts.Env, Set: req.Set, Version: grafana.ParseVersion(req.Facts.Version), Told: req.Facts.Version,
		Same: req.Facts.SameEnv, Running: req.Running, allow: req.Allow, reading: map[string]*provisioning.Decoder{}, Skipped: map[string]string{},
	}
	p.Live, _ = req.Facts.Live.(*Live)
	p.Env.Same = p.Same
	return p
}

// Source is the snapshot of a role; nil when the target has no such directory.
func (p *Pass) Source(role string) *snapshot.Snapshot {
	for _, s := range p.Set.Snapshots {
		if s.Source.Name == role {
			return s
		}
	}
	return nil
}

// Result is what the pass has found so far, sorted.
func (p *Pass) Result() finding.Result {
	return finding.Result{Findings: p.Findings.sorted(), Outline: &finding.Outline{Items: p.Outline}}
}

// File is one file of a kind's directory.
type File struct {
	Name  string
	Path  string // as the user knows it
	bytes []byte
}

// Place is where a finding points to.
type Place struct {
	Path         string
	Line, Column int
}

// At is the place of a node; the first line when it is nil.
func (f File) At(n *yaml.Node) Place {
	if n == nil {
		return Place{Path: f.Path, Line: 1, Column: 1}
	}
	return Place{f.Path, n.Line, n.Column}
}

// Errorf reports what Grafana refuses. For a Grafana newer than any that was tried it is a warning, unless the rule lasts.
func (p *Pass) Errorf(at Place, rule, hint, format string, args ...any) {
	p.add(at, finding.Error, rule, hint, format, args...)
}

// Since reports what Grafana refuses from a version on: now says what those versions do, later is for earlier versions.
func (p *Pass) Since(v grafana.Version, at Place, rule, hint, what, now, later string) {
	if p.Version.AtLeast(v) {
		p.Errorf(at, rule, hint, "%s: %s", what, now)
		return
	}
	p.Warnf(at, rule, hint, "%s: %s", what, later)
}

// Warnf reports what Grafana accepts but the user probably did not mean.
func (p *Pass) Warnf(at Place, rule, hint, format string, args ...any) {
	p.add(at, finding.Warning, rule, hint, format, args...)
}

// Infof reports what is good to know.
func (p *Pass) Infof(at Place, rule, hint, format string, args ...any) {
	p.add(at, finding.Info, rule, hint, format, args...)
}

// Guard reports a valid change that would be a disaster: an error, unless the user allowed it.
func (p *Pass) Guard(at Place, rule, hint, format string, args ...any) {
	sev := finding.Error
	if slices.Contains(p.allow, rule) {
		sev = finding.Warning
	} else {
		if hint != "" {
			hint += "; "
		}
		hint += "--allow " + rule + " if it is meant"
	}
	p.add(at, sev, rule, hint, format, args...)
}

func (p *Pass) add(at Place, sev finding.Severity, rule, hint, format string, args ...any) {
	if sev == finding.Error && grafana.Tried.Before(p.Version) && !strings.HasPrefix(rule, "guard-") && !slices.Contains(lasting, rule) {
		sev = finding.Warning
		if hint != "" {
			hint += "; "
		}
		hint += mayBeLifted
	}
	p.Keep(finding.Finding{
		File: at.Path, Line: at.Line, Column: at.Column, Severity: sev, Rule: rule,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// Keep adds a finding. A file is not read any further once no more of its errors are kept.
func (p *Pass) Keep(f finding.Finding) {
	p.Findings.add(f)
	if d := p.reading[f.File]; d != nil && p.Findings.full(f.File) {
		d.Stop()
		p.Findings.stop(f.File)
	}
}

// Decoder returns a decoder that reads the file as this version of Grafana would.
func (p *Pass) Decoder(f File) *provisioning.Decoder {
	d := &provisioning.Decoder{Dialect: provisioning.V3, TypedJSON: p.Version.AtLeast(V10), Env: &p.Env, Done: p.ctx.Done()}
	if p.Version.Before(V94) {
		d.Dialect = provisioning.V2
	}
	d.Report = func(fi finding.Finding) {
		fi.File = f.Path
		if fi.Line == 0 {
			fi.Line, fi.Column = 1, 1
		}
		p.Keep(fi)
	}
	p.reading[f.Path] = d
	return d
}

// Parse returns the top node, nil for an empty file; false when Grafana cannot read the file.
func (p *Pass) Parse(f File) (*yaml.Node, bool) {
	root, serr := provisioning.Parse(f.bytes)
	if serr == nil {
		return root, true
	}
	at := Place{f.Path, serr.Line, serr.Column}
	if serr.TooLarge {
		p.Errorf(at, provisioning.RuleTooLarge, "split the file", "%s", serr.Message)
	} else {
		p.Errorf(at, provisioning.RuleSyntax, serr.Hint, "not valid YAML: %s: Grafana refuses all files of this kind", serr.Message)
	}
	return nil, false
}

// Top is Parse for a file that must be a map; it also returns the decoder that reads it.
func (p *Pass) Top(f File) (*provisioning.Decoder, *provisioning.Map, bool) {
	root, ok := p.Parse(f)
	if !ok {
		return nil, nil, false
	}
	d := p.Decoder(f)
	m, ok := d.Map(root, "the file")
	return d, m, ok
}

// Item adds an item to the outline.
func (p *Pass) Item(kind, name string, fingerprint uint64, attrs map[string]string) {
	p.Outline = append(p.Outline, finding.Item{Kind: kind, Name: name, Fingerprint: fingerprint, Attrs: attrs})
}

// Before returns the running items of a kind; nil when it is unknown what runs.
func (p *Pass) Before(kind string) []finding.Item {
	if p.Running == nil {
		return nil
	}
	var out []finding.Item
	for _, i := range p.Running.Items {
		if i.Kind == kind {
			out = append(out, i)
		}
	}
	return out
}

// Unavailable is the error for a file whose contents were not kept.
func Unavailable(s *snapshot.Snapshot, name string) error {
	return fmt.Errorf("the contents of %s are not available", s.Source.UserPath(name))
}

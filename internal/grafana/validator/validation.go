package validator

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

// Options replace what the checks ask of their own environment; the zero value asks the system.
type Options struct {
	// Env is for expansion; its Same is set from the facts of each request.
	Env expand.Env
	// DirExists says whether the server's directory exists, for requests with Facts.SameEnv.
	DirExists func(string) bool
}

// validation is one validation: what it knows, and what it found so far.
type validation struct {
	ctx     context.Context
	opts    Options
	env     expand.Env
	set     *snapshot.Set
	version Version
	// told is the version as the server told it; empty when it is not known.
	told    string
	same    bool
	live    *Live
	running *finding.Outline
	allow   []string

	findings collector
	outline  []finding.Item
	// reading is the decoder of each file.
	reading map[string]*provisioning.Decoder
	// skipped are the dashboard files that Grafana does not store.
	skipped map[string]string
	// nothing are the files of the kind that name nothing.
	nothing []place
	// err says that no verdict is possible.
	err error
}

func newPass(ctx context.Context, opts Options, req finding.Request) *validation {
	p := &validation{
		ctx: ctx, opts: opts, env: opts.Env, set: req.Set, version: ParseVersion(req.Facts.Version), told: req.Facts.Version,
		same: req.Facts.SameEnv, running: req.Running, allow: req.Allow, reading: map[string]*provisioning.Decoder{}, skipped: map[string]string{},
	}
	p.live, _ = req.Facts.Live.(*Live)
	p.env.Same = p.same
	return p
}

// source is the snapshot of a role; nil when the target has no such directory.
func (p *validation) source(role string) *snapshot.Snapshot {
	for _, s := range p.set.Snapshots {
		if s.Source.Name == role {
			return s
		}
	}
	return nil
}

func (p *validation) result() finding.Result {
	return finding.Result{Findings: p.findings.sorted(), Outline: &finding.Outline{Items: p.outline}}
}

// file is one file of a kind's directory.
type file struct {
	name  string
	path  string // as the user knows it
	bytes []byte
}

// place is where a finding points at.
type place struct {
	path         string
	line, column int
}

func (f file) at(n *yaml.Node) place {
	if n == nil {
		return place{path: f.path, line: 1, column: 1}
	}
	return place{f.path, n.Line, n.Column}
}

func (p *validation) errorf(at place, rule, hint, format string, args ...any) {
	p.add(at, finding.Error, rule, hint, format, args...)
}

func (p *validation) warnf(at place, rule, hint, format string, args ...any) {
	p.add(at, finding.Warning, rule, hint, format, args...)
}

func (p *validation) infof(at place, rule, hint, format string, args ...any) {
	p.add(at, finding.Info, rule, hint, format, args...)
}

// guard reports a valid change that would be a disaster: an error, unless the user allowed it.
func (p *validation) guard(at place, rule, hint, format string, args ...any) {
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

func (p *validation) add(at place, sev finding.Severity, rule, hint, format string, args ...any) {
	if sev == finding.Error && grafana.Tried.Before(p.version) && !strings.HasPrefix(rule, "guard-") && !slices.Contains(lasting, rule) {
		sev = finding.Warning
		if hint != "" {
			hint += "; "
		}
		hint += mayBeLifted
	}
	p.keep(finding.Finding{
		File: at.path, Line: at.line, Column: at.column, Severity: sev, Rule: rule,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// keep takes a finding. A file whose errors are no longer listed is not read on.
func (p *validation) keep(f finding.Finding) {
	p.findings.add(f)
	if d := p.reading[f.File]; d != nil && p.findings.full(f.File) {
		d.Stop()
	}
}

// decoder reads the file as this Grafana would.
func (p *validation) decoder(f file) *provisioning.Decoder {
	d := &provisioning.Decoder{Dialect: provisioning.V3, TypedJSON: p.version.AtLeast(v10), Env: &p.env, Done: p.ctx.Done()}
	if p.version.Before(v94) {
		d.Dialect = provisioning.V2
	}
	d.Report = func(fi finding.Finding) {
		fi.File = f.path
		if fi.Line == 0 {
			fi.Line, fi.Column = 1, 1
		}
		p.keep(fi)
	}
	p.reading[f.path] = d
	return d
}

// parse returns the top node, nil for an empty file; false when Grafana cannot read the file.
func (p *validation) parse(f file) (*yaml.Node, bool) {
	root, serr := provisioning.Parse(f.bytes)
	if serr == nil {
		return root, true
	}
	at := place{f.path, serr.Line, serr.Column}
	if serr.TooLarge {
		p.errorf(at, provisioning.RuleTooLarge, "split the file", "%s", serr.Message)
	} else {
		p.errorf(at, provisioning.RuleSyntax, serr.Hint, "not valid YAML: %s: Grafana refuses all files of this kind", serr.Message)
	}
	return nil, false
}

// top is parse for a file that must be a map, and the decoder that reads it.
func (p *validation) top(f file) (*provisioning.Decoder, *provisioning.Map, bool) {
	root, ok := p.parse(f)
	if !ok {
		return nil, nil, false
	}
	d := p.decoder(f)
	m, ok := d.Map(root, "the file")
	return d, m, ok
}

// item adds one thing to the outline.
func (p *validation) item(kind, name string, fingerprint uint64, attrs map[string]string) {
	p.outline = append(p.outline, finding.Item{Kind: kind, Name: name, Fingerprint: fingerprint, Attrs: attrs})
}

// before are the running items of a kind; nil when it is not known what runs.
func (p *validation) before(kind string) []finding.Item {
	if p.running == nil {
		return nil
	}
	var out []finding.Item
	for _, i := range p.running.Items {
		if i.Kind == kind {
			out = append(out, i)
		}
	}
	return out
}

func yamlName(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func errForgotten(s *snapshot.Snapshot, name string) error {
	return fmt.Errorf("the contents of %s are not available", s.Source.UserPath(name))
}

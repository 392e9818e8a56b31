// Package manifests judges Kubernetes manifests as their containers will see them: the files that each Prometheus and Grafana finds.
package manifests

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/manifest"
	"reloader/internal/yamledit"
)

// Options come from flags.
type Options struct {
	// Promcheck and External are the paths of promcheck and of a promtool instead; empty means the default.
	Promcheck, External string
	// Prometheus and Grafana override the facts about the servers in the manifest.
	Prometheus, Grafana finding.Facts
	// Allow names guards that are switched off.
	Allow []string
	// Kind recognizes a file by its name and contents: one of the kinds below, or empty.
	Kind func(name string, content []byte) string
	// Alone judges files of one kind that no server of the manifest reads. Findings name the files by their keys.
	Alone func(ctx context.Context, kind string, files map[string][]byte) ([]finding.Finding, error)
}

// The kinds of files that Options.Kind knows.
const (
	KindPrometheus  = "prometheus configuration"
	KindRules       = "prometheus rules"
	KindDatasources = "grafana data sources"
	KindProviders   = "grafana dashboard providers"
	KindAlerting    = "grafana alerting"
	KindPlugins     = "grafana plugins"
	KindDashboard   = "grafana dashboard"
	KindIni         = "grafana.ini"
)

// Result is the verdict on a manifest.
type Result struct {
	Findings []finding.Finding
	// Judged lists what was judged, in words.
	Judged []string
	// Unjudged are the reasons why parts have no verdict.
	Unjudged []error
}

// check is one run over one input.
type check struct {
	Options
	ctx context.Context //nolint:containedctx // of this one run
	in  *manifest.Input
	Result
	// judged are the values that were judged, as files of a server or alone; read are those that a server reads.
	judged, read map[*manifest.Value]bool
	// mounted are the objects that some pod uses; servers are the kinds of servers in the input.
	mounted map[*manifest.Object]bool
	servers map[string]bool
	// notJudged has what was not judged, by file.
	notJudged map[*manifest.File][]part
	skipped   map[unjudged]bool
	// answers are the verdicts of validators and of Alone, by files and facts, so that equal files are judged once. rules are the
	// findings about rule files that no server reads; kinds are the kinds of values; runs counts the starts of promcheck.
	answers map[string]answer
	rules   map[any][]finding.Finding
	kinds   map[valueAs]string
	runs    int
	// compared counts comparisons of patterns with paths.
	compared int
	// cut means that the containers had too many files.
	cut bool
	// reloaders are the containers that reload Prometheus, by pod; collectors are the labels by which sidecars collect ConfigMaps. An
	// empty label stands for all ConfigMaps.
	reloaders  map[*manifest.Workload]manifest.Container
	collectors []string
	// keys are the keys that volumes use, by object; "" stands for all keys.
	keys map[*manifest.Object]map[string]bool
	// left are the first files of an object that no volume uses.
	left map[*manifest.Object][]string
}

// unjudged identifies a part of a file.
type unjudged struct {
	file *manifest.File
	what string
}

// part is something that was not judged.
type part struct {
	what string
	at   yamledit.Cursor
}

// Check judges the input.
func Check(ctx context.Context, o Options, in *manifest.Input) Result {
	c := &check{
		Options: o, ctx: ctx, in: in, judged: map[*manifest.Value]bool{}, read: map[*manifest.Value]bool{},
		mounted: map[*manifest.Object]bool{}, servers: map[string]bool{}, notJudged: map[*manifest.File][]part{}, skipped: map[unjudged]bool{},
		answers: map[string]answer{}, rules: map[any][]finding.Finding{}, kinds: map[valueAs]string{}, left: map[*manifest.Object][]string{},
		reloaders: map[*manifest.Workload]manifest.Container{}, collectors: collectorsOf(in),
	}
	for _, f := range in.Files {
		if f.Err != nil {
			c.Findings = append(c.Findings, finding.Finding{
				File: f.Name, Line: f.Err.Line, Column: f.Err.Column, Severity: finding.Error, Rule: RuleYAML, Message: f.Err.Text, Hint: f.Err.Hint,
			})
		}
	}
	for _, w := range in.Workloads {
		c.workload(w)
	}
	c.judgeRules()
	c.objects()
	c.others()
	c.services()
	c.tellNotJudged()
	finding.Sort(c.Findings)
	c.Findings = slices.Compact(c.Findings)
	return c.Result
}

// report adds a finding at a place in the manifest.
func (c *check) report(s finding.Severity, rule string, at yamledit.Cursor, hint, format string, args ...any) {
	f := finding.Finding{Severity: s, Rule: rule, Message: fmt.Sprintf(format, args...), Hint: hint}
	if file := c.in.FileOf(at); file != nil {
		f.File = file.Name
	}
	switch {
	case at.Key != nil:
		f.Line, f.Column = at.Key.Line, at.Key.Column
	case at.Node != nil:
		f.Line, f.Column = at.Node.Line, at.Node.Column
	}
	c.Findings = append(c.Findings, f)
}

// skip notes a part that was not judged.
func (c *check) skip(at yamledit.Cursor, format string, args ...any) {
	file := c.in.FileOf(at)
	p := part{what: fmt.Sprintf(format, args...), at: at}
	if id := (unjudged{file, p.what}); file != nil && !c.skipped[id] {
		c.skipped[id] = true
		c.notJudged[file] = append(c.notJudged[file], p)
	}
}

// maxNamed is how many names a finding lists.
const maxNamed = 6

// tellNotJudged reports what was not judged, in one finding per file.
func (c *check) tellNotJudged() {
	for _, file := range c.in.Files {
		parts := c.notJudged[file]
		if len(parts) == 0 {
			continue
		}
		var names []string
		for _, p := range parts {
			names = append(names, p.what)
		}
		more := ""
		if len(names) > maxNamed {
			more = fmt.Sprintf("; and %d more", len(names)-maxNamed)
			names = names[:maxNamed]
		}
		c.report(finding.Info, RuleNotJudged, parts[0].at, "", "not judged: %s%s", strings.Join(names, "; "), more)
	}
}

// workload judges the servers of one pod.
func (c *check) workload(w *manifest.Workload) {
	for _, vol := range w.Volumes {
		for _, s := range vol.Sources() {
			if o := c.in.Object(s.Kind, s.Name.Str(), w.Namespace); o != nil {
				c.mounted[o] = true
			}
		}
	}
	c.environment(w)
	if w.IsPatch() {
		c.skip(w.Object, "%s, a part of a manifest for kustomize: check what kustomize build prints", w)
		return
	}
	if key, first := w.Object.Doc.Duplicate(w.Object); key != nil {
		c.report(finding.Error, RuleDuplicateKey, yamledit.Cursor{Node: key, Doc: w.Object.Doc}, "keep one of them",
			"%s: the key %s is repeated; it is first on line %d", w, key.Value, first.Line)
	}
	volumes := map[string]bool{}
	for _, container := range w.AllContainers() {
		prometheus, grafana := container.IsPrometheus(), container.IsGrafana()
		if !prometheus && !grafana && !container.IsReloader() {
			continue
		}
		view := c.in.Look(w, container)
		if view.Cut {
			c.tooMany(w, container)
			return
		}
		c.mounts(w, container, view, volumes)
		before := len(c.Judged)
		switch {
		case prometheus:
			c.servers[prometheusKind] = true
			c.prometheus(w, container, view)
		case grafana:
			c.servers[grafanaKind] = true
			c.grafana(w, container, view)
		}
		if len(c.Judged) == before && (prometheus || grafana) && len(container.Mounts) > 0 {
			c.Judged = append(c.Judged, "mounts of "+where(w, container))
		}
	}
}

// tooMany reports, once, that the files of this container and of all later ones are not judged.
func (c *check) tooMany(w *manifest.Workload, container manifest.Container) {
	if !c.cut {
		c.Unjudged = append(c.Unjudged, fmt.Errorf("the containers of the input see more than %d files, or more than %d MiB: %s and those after it were not judged; mount each volume once, or check the manifests in several runs of reloader check",
			manifest.MaxFiles, manifest.MaxBytes>>20, where(w, container)))
	}
	c.cut = true
}

// environment marks the objects that containers use as variables, so they need no volume.
func (c *check) environment(w *manifest.Workload) {
	mark := func(kind string, name string) {
		if o := c.in.Object(kind, name, w.Namespace); o != nil {
			c.mounted[o] = true
		}
	}
	for _, container := range w.AllContainers() {
		for _, from := range container.Get("envFrom").Items() {
			mark("ConfigMap", from.Get("configMapRef", "name").Str())
			mark("Secret", from.Get("secretRef", "name").Str())
		}
		for _, e := range container.Get("env").Items() {
			mark("ConfigMap", e.Get("valueFrom", "configMapKeyRef", "name").Str())
			mark("Secret", e.Get("valueFrom", "secretKeyRef", "name").Str())
		}
	}
}

// The names of the servers in messages.
const (
	prometheusKind = "Prometheus"
	grafanaKind    = "Grafana"
)

// Package check judges files without a running reloader: those of targets, and those at paths.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/inputs"
	"reloader/internal/manifest"
	"reloader/internal/snapshot"
	"reloader/internal/sources"
)

// Result is the verdict on one target or path.
type Result struct {
	// Name is the path or target to check.
	Name   string
	Digest snapshot.Digest
	// Sources are the digests of the directories by name, if the files are in several.
	Sources  map[string]snapshot.Digest
	Findings []finding.Finding
	// Judged lists, for a manifest, what was judged in it.
	Judged []string
	// Ignored is how many findings were left out because they are known and accepted.
	Ignored int
	// Err says why there is no verdict.
	Err error
	// expected is what the validator expects of a server that runs the files.
	expected any
}

// Options apply to everything that is checked.
type Options struct {
	// Config has the targets from flags, and the path of promcheck.
	Config config.Config
	// Prometheus and Grafana are what is known about the servers.
	Prometheus, Grafana finding.Facts
	// Validator is the path of a promtool to use instead of promcheck.
	Validator string
	// Allow names guards that are switched off, Ignore findings that are known and accepted.
	Allow, Ignore []string
	// Stdin is read for the path "-".
	Stdin io.Reader
	// OwnFile is a configuration file of reloader itself; empty for none.
	OwnFile string
	// SkipUnknown leaves out files of an unknown kind.
	SkipUnknown bool
}

func (o Options) facts(kind config.Kind) finding.Facts {
	if kind == config.Prometheus {
		return o.Prometheus
	}
	return o.Grafana
}

// Run judges the targets of the configuration, then the files at the paths. The kind of a file depends on its name and contents.
func Run(ctx context.Context, o Options, paths []string) []Result {
	var all []Result
	if o.OwnFile != "" {
		all = append(all, own(o.OwnFile))
	}
	for _, t := range o.Config.Targets {
		all = append(all, o.target(ctx, t))
	}
	var found []Input
	for _, p := range paths {
		list, err := o.classify(p)
		switch {
		case errors.Is(err, ErrUnknownKind) && o.SkipUnknown:
		case err != nil:
			all = append(all, Result{Name: p, Err: err})
		}
		found = append(found, list...)
	}
	var manifests []Input
	for _, g := range grouped(found) {
		switch g.Kind {
		case KindManifest:
			manifests = append(manifests, g.inputs...)
		case KindOwn:
			for _, f := range g.inputs {
				all = append(all, own(f.Path))
			}
		default:
			all = append(all, g.check(ctx, o))
		}
	}
	if len(manifests) > 0 {
		all = append(all, checkManifests(ctx, o, manifests))
	}
	return all
}

// stdinName is the name of standard input in findings.
const stdinName = "<stdin>"

func (o Options) classify(p string) ([]Input, error) {
	if p != "-" || o.Stdin == nil {
		return Classify(p)
	}
	src, err := io.ReadAll(io.LimitReader(o.Stdin, manifest.MaxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read standard input: %w", err)
	case len(src) > manifest.MaxSize:
		return nil, fmt.Errorf("standard input: more than %d bytes", manifest.MaxSize)
	}
	// Only a manifest needs no file name to be recognized. Text that is not YAML becomes a finding.
	return []Input{{Kind: KindManifest, Path: stdinName, Contents: src}}, nil
}

func (o Options) target(ctx context.Context, t config.Target) Result {
	c := Result{Name: primary(t)}
	shown := newRelative(&t)
	if err := exists(t); err != nil {
		c.Err = err
		return c
	}
	var assumed []finding.Finding
	if t.Kind == config.Prometheus {
		assumed = assumePath(&t.ConfigFile)
	}
	r, validator := inputs.New(o.Config, t)
	set, err := r.Read(ctx)
	if err != nil {
		c.Err = err
		return c
	}
	c = judge(ctx, c, validator, finding.Request{Set: set, Facts: o.facts(t.Kind), Allow: t.Allow, Offline: true}, shown, append(r.Findings(), assumed...)...)
	unchecked(c.Findings)
	if t.Kind == config.Prometheus && !finding.HasErrors(c.Findings) { // with errors it is not known what is read
		unread, ignored := finding.WithoutIgnored(unreadRules(set, t.ConfigFile, c.expected), inputs.Ignored(t.Ignore), nil)
		for i := range unread {
			shown.finding(&unread[i])
		}
		c.Findings, c.Ignored = append(c.Findings, unread...), c.Ignored+ignored
	}
	c.compare(set)
	return c
}

// compare sets the digests to those that a running reloader shows: a single one for the sources of one directory, and one for each
// directory if there are several.
func (c *Result) compare(set *snapshot.Set) {
	all := set.Digests()
	for _, s := range set.Snapshots {
		if s.Source.Part != "" {
			c.Digest = all[s.Source.Part]
		} else if len(set.Snapshots) > 1 {
			if c.Sources == nil {
				c.Sources = map[string]snapshot.Digest{}
			}
			c.Sources[s.Source.Name] = s.Digest
		}
	}
}

// primary is the path by which users know a target.
func primary(t config.Target) string {
	for _, p := range []string{t.ConfigFile.Path, t.Provisioning.Path, t.Ini.Path} {
		if p != "" {
			return p
		}
	}
	return t.Name
}

// exists returns an error if a file or directory of the target is missing. A running reloader waits for it, because the kubelet may
// add it later; an offline check must not.
func exists(t config.Target) error {
	for i, path := range []string{t.ConfigFile.Path, t.Ini.Path, t.Provisioning.Path} {
		if path == "" {
			continue
		}
		file := i < 2
		info, err := snapshot.Stat(path)
		switch {
		case err != nil:
			return err
		case file && info.IsDir():
			return fmt.Errorf("%s: a directory, want a file", path)
		case !file && !info.IsDir():
			return fmt.Errorf("%s: a file, want a directory", path)
		case !file && !hasKinds(path):
			return fmt.Errorf("%s: no directory in it that Grafana reads: its files belong in datasources, dashboards, alerting or plugins there", path)
		}
	}
	return nil
}

// hasKinds reports whether a directory has one of those that Grafana looks for in its provisioning directory.
func hasKinds(dir string) bool {
	return slices.ContainsFunc(grafana.Kinds, func(k grafana.Kind) bool { return isDir(filepath.Join(dir, k.Name)) })
}

// judge asks the validator. Read are findings from reading the files.
func judge(ctx context.Context, c Result, v finding.Validator, req finding.Request, shown relative, read ...finding.Finding) Result {
	c.Digest = req.Set.Digest
	result, err := v.Validate(ctx, req)
	if err != nil {
		c.Err = err
		return c
	}
	c.Findings, c.Ignored, c.expected = append(result.Findings, read...), result.Ignored, result.Expected
	finding.Sort(c.Findings)
	for i := range c.Findings {
		shown.finding(&c.Findings[i])
	}
	return c
}

// group has the inputs of one kind in one directory. They are judged together, as a server would read them.
type group struct {
	Input
	dir    string
	inputs []Input
}

func grouped(found []Input) []group {
	var groups []group
	for _, f := range found {
		dir := filepath.Dir(f.Path)
		i := slices.IndexFunc(groups, func(g group) bool { return g.Kind == f.Kind && g.Role == f.Role && g.dir == dir })
		if i < 0 || f.Kind == KindPrometheus || f.Kind == KindIni || f.Kind == KindProvisioning {
			i, groups = len(groups), append(groups, group{Input: f, dir: dir})
		}
		groups[i].inputs = append(groups[i].inputs, f)
	}
	return groups
}

func (g group) check(ctx context.Context, o Options) Result {
	t := config.TargetDefaults(config.Grafana)
	t.Allow, t.Ignore = o.Allow, o.Ignore
	switch g.Kind {
	case KindPrometheus:
		t = config.TargetDefaults(config.Prometheus)
		t.Allow, t.Ignore, t.Validator, t.ConfigFile = o.Allow, o.Ignore, o.Validator, config.Mount{Path: g.Path}
	case KindProvisioning:
		t.Provisioning.Path = g.Path
	case KindIni:
		t.Ini.Path = g.Path
	case KindManifest, KindOwn:
	case KindRules, KindGrafanaFile, KindDashboard:
		return g.checkFiles(ctx, o)
	}
	return o.target(ctx, t)
}

// checkFiles judges files without the main file that names them for a server.
func (g group) checkFiles(ctx context.Context, o Options) Result {
	c := Result{Name: g.Path}
	if len(g.inputs) > 1 {
		c.Name = g.dir
	}
	var shown relative
	dir := shown.add(g.dir)
	files := snapshot.Source{Name: "files", Dir: dir}
	for _, in := range g.inputs {
		files.Include = append(files.Include, sources.Literal(filepath.Base(in.Path)))
	}
	snap, err := snapshot.Take(ctx, files, snapshot.Limits{})
	if err != nil {
		c.Err = err
		return c
	}
	contents := map[string][]byte{}
	for _, in := range g.inputs {
		name, ok := filepath.Base(in.Path), false
		if contents[name], ok = snap.Bytes(name); !ok {
			c.Err = fmt.Errorf("%s: cannot be read", in.Path)
			return c
		}
	}
	a := alone{Options: o, dir: dir, kind: g.Kind, role: g.Role}
	c.Findings, c.Ignored, c.Err = a.judge(ctx, contents)
	for i := range c.Findings {
		shown.finding(&c.Findings[i])
	}
	c.Digest = snap.Digest
	return c
}

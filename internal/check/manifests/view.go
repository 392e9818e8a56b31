package manifests

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/manifest"
	"reloader/internal/paths"
	"reloader/internal/snapshot"
)

// set turns files, by path in the container, into the input of a validator, with one source for each directory.
func set(files map[string]*manifest.Value) *snapshot.Set {
	dirs := map[string]map[string][]byte{}
	for p, v := range files {
		dir := path.Dir(p)
		if dirs[dir] == nil {
			dirs[dir] = map[string][]byte{}
		}
		dirs[dir][path.Base(p)] = v.Content
	}
	var snaps []*snapshot.Snapshot
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		snaps = append(snaps, snapshot.FromFiles(snapshot.Source{Name: dir, Dir: dir, ServerDir: dir}, dirs[dir]))
	}
	return snapshot.NewSet(snaps...)
}

// below are the files of a view in a directory, by path below it. It leaves out files that are too large for any object: that is an
// error of the object, and Grafana's files are judged in this process, where they would take many times their size in memory.
func below(view *manifest.View, dir string) map[string][]byte {
	found := map[string][]byte{}
	prefix := strings.TrimSuffix(dir, "/") + "/"
	for _, p := range paths.Prefixed(view.Names(), prefix) {
		if content := view.Files[p].Content; len(content) <= maxObject {
			found[strings.TrimPrefix(p, prefix)] = content
		}
	}
	return found
}

// translate moves findings about files of a container to their places in the manifest. Findings about other files are dropped,
// unless they are errors: those are reported at the container.
func (c *check) translate(findings []finding.Finding, files map[string]*manifest.Value, w *manifest.Workload, container manifest.Container) {
	for _, f := range findings {
		v := files[path.Clean(f.File)]
		switch {
		case v != nil:
			c.Findings = append(c.Findings, placed(f, v))
		case f.Severity == finding.Error:
			c.report(f.Severity, f.Rule, container.Cursor, f.Hint, "%s: %s", where(w, container), f.Message)
		}
	}
}

// placed moves a finding about a value to its place in the manifest.
func placed(f finding.Finding, v *manifest.Value) finding.Finding {
	line, column := f.Line, f.Column
	var exact bool
	f.File, f.Line, f.Column, exact = v.Position(line, column)
	if !exact {
		f.Message = fmt.Sprintf("%s, line %d: %s", v.Key, line, f.Message)
	}
	// Never show the contents of a Secret, or base64.
	f.Private = f.Private || v.Object.Kind == "Secret" || v.Encoded
	return f
}

// facts are the facts from flags, or else from the manifest.
func facts(flags, manifest finding.Facts) finding.Facts {
	return finding.Facts{
		Version: cmp.Or(flags.Version, manifest.Version), Agent: flags.Agent || manifest.Agent,
		Features: append(slices.Clone(manifest.Features), flags.Features...), SameEnv: flags.SameEnv,
	}
}

// verdict returns the findings of a validator, which is asked once for equal files. ok is false when there is no verdict.
func (c *check) verdict(v finding.Validator, kind string, s *snapshot.Set, f finding.Facts, more ...string) (found []finding.Finding, ok bool) {
	id := fmt.Sprint(kind, s.Digest, f.Version, f.Agent, f.Features, more)
	a, known := c.answers[id]
	if !known {
		if kind == prometheusKind && !c.run() {
			return nil, false
		}
		res, err := finding.Bounded(finding.Guarded(v)).Validate(c.ctx, finding.Request{Set: s, Facts: f, Allow: c.Allow, Offline: true})
		if err != nil {
			c.Unjudged = append(c.Unjudged, err)
		}
		a = answer{res.Findings, err == nil}
		c.answers[id] = a
	}
	return slices.Clone(a.findings), a.ok
}

// where names a container for a message.
func where(w *manifest.Workload, container manifest.Container) string {
	return fmt.Sprintf("%s, container %s", w, container.Name())
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

package finding

import (
	"context"
	"path/filepath"
	"slices"

	"reloader/internal/lazyregexp"
	"reloader/internal/paths"
	"reloader/internal/snapshot"
)

// RuleForeign names the finding that stands for all those of a file whose contents must not be shown;
// docs/checks.md explains it.
const RuleForeign = "not-its-file"

// Guarded keeps a validator from showing what is in files that are none of the server's configuration.
// Whoever writes a configuration file decides what it names, and reloader may read more than the writer:
// rule_files: [/etc/shadow], or a link to that file, must not put lines of it into findings.
//
// A file is shown if it lies below a directory that reloader was given, or if it looks like what it is read as. About
// any other file the finding says only that it is not acceptable.
func Guarded(v Validator) Validator {
	return ValidatorFunc(func(ctx context.Context, req Request) (Result, error) {
		res, err := v.Validate(ctx, req)
		if err == nil && req.Set != nil {
			res.Findings = hideForeign(res.Findings, req.Set)
		}
		return res, err
	})
}

func hideForeign(findings []Finding, set *snapshot.Set) []Finding {
	hidden := map[string]bool{}
	byDir := map[string][]int{}
	for i, s := range set.Snapshots {
		dir := filepath.Clean(s.Source.Dir)
		byDir[dir] = append(byDir[dir], i)
	}
	for _, f := range findings {
		if _, known := hidden[f.File]; !known && f.File != "" {
			hidden[f.File] = foreign(f.File, set, byDir)
		}
	}
	kept := findings[:0:0]
	worst := map[string]Severity{}
	for _, f := range findings {
		if !hidden[f.File] {
			kept = append(kept, f)
			continue
		}
		worst[f.File] = max(worst[f.File], f.Severity)
	}
	for file, severity := range worst {
		kept = append(kept, Finding{
			File: file, Severity: severity, Rule: RuleForeign,
			Message: "the configuration names this file, but it is outside the directories that reloader was given and does not look like a file of this server; its contents are not shown",
			Hint:    "correct the path; if it is the right file, give its directory with --prometheus-dir",
		})
	}
	Sort(kept)
	return kept
}

// reShape is what a file of rules or scrape jobs has at the beginning of a line, and no file of accounts or
// settings: a key with a list or nothing behind it.
var reShape = lazyregexp.New(`(?m)^["']?(?:groups|scrape_configs)["']?:[ \t]*(?:$|\r|#|\[|[&!][^:]*$)`)

// foreign says that nothing of a file may be shown. byDir are the indexes of the set's readings by clean directory.
func foreign(file string, set *snapshot.Set, byDir map[string][]int) bool {
	var above []int
	for dir := filepath.Clean(file); ; dir = filepath.Dir(dir) {
		above = append(above, byDir[dir]...)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	slices.Sort(above) // where several have it, the first tells
	for _, i := range above {
		s := set.Snapshots[i]
		rel, err := filepath.Rel(s.Source.Dir, file)
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		name := filepath.ToSlash(rel)
		if _, ok := s.File(name); !ok {
			continue
		}
		if !s.Source.Followed && inside(s.Source.Dir, file) {
			return false
		}
		b, ok := s.Bytes(name)
		return !ok || !reShape().Match(b)
	}
	// It is in no source, so that nothing of it was read.
	return false
}

// inside says that a file, all links followed, is in the directory, all links followed.
func inside(dir, file string) bool {
	realDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return true // it is gone, and with it what a link could lead to
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return true
	}
	return paths.Inside(real, realDir)
}

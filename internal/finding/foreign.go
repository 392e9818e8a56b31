package finding

import (
	"context"
	"path/filepath"
	"slices"

	"reloader/internal/lazyregexp"
	"reloader/internal/paths"
	"reloader/internal/snapshot"
)

// RuleForeign names the finding that replaces all findings of a file whose contents must not be shown; docs/checks.md
// explains it.
const RuleForeign = "not-its-file"

// Guarded keeps a validator from showing the contents of files that are not part of the server's configuration. The author of
// a configuration file decides which files it names, and reloader may have access to more of them than the author:
// rule_files: [/etc/shadow], or a link to that file, must not put its lines into findings.
//
// Findings about a file are shown if it is below a directory that reloader was given, or if it looks like a file of its kind.
// Any other file gets one finding, which reveals none of its contents.
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

// reShape matches what a file of rules or scrape jobs has at the beginning of a line, and a file of accounts or settings does
// not: a key followed by a list or nothing.
var reShape = lazyregexp.New(`(?m)^["']?(?:groups|scrape_configs)["']?:[ \t]*(?:$|\r|#|\[|[&!][^:]*$)`)

// foreign reports whether the contents of a file must not be shown. byDir has the indexes of the set's snapshots by clean directory.
func foreign(file string, set *snapshot.Set, byDir map[string][]int) bool {
	var above []int
	for dir := filepath.Clean(file); ; dir = filepath.Dir(dir) {
		above = append(above, byDir[dir]...)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	slices.Sort(above) // if several contain the file, the first one decides
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
	// It is in no source, so its contents were not read.
	return false
}

// inside reports whether a file is in a directory after all links in both are followed.
func inside(dir, file string) bool {
	realDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return true // it is gone, and so is everything that a link could lead to
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return true
	}
	return paths.Inside(real, realDir)
}

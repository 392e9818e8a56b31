package validator

import (
	"cmp"
	"slices"
	"sort"

	"reloader/internal/finding"
)

// maxFindings bounds the findings of an answer, unless more files than this are wrong.
const maxFindings = 5000

// boundFindings keeps at most the same number of findings of each file, errors first, and at least one: a file with
// findings keeps one even when its verdict is remembered.
func boundFindings(all []Finding) []Finding {
	if len(all) <= maxFindings {
		return all
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := &all[i], &all[j]
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Line, b.Line)) < 0
	})
	files := 0
	for i := range all {
		if i == 0 || all[i].File != all[i-1].File {
			files++
		}
	}
	kept := make([]Finding, 0, maxFindings+files)
	for rest := all; len(rest) > 0; {
		file := rest[0].File
		n := len(rest)
		if next := slices.IndexFunc(rest, func(f Finding) bool { return f.File != file }); next > 0 {
			n = next
		}
		most := min(n, max(1, maxFindings/files))
		kept = append(append(kept, rest[:most]...), more(rest[most:n])...)
		rest = rest[n:]
	}
	return kept
}

// more counts the omitted findings of one file by severity.
func more(left []Finding) []Finding {
	var of [finding.Error + 1]finding.Finding
	for _, f := range left {
		n := finding.Count([]finding.Finding{f.of("")}, f.Severity)
		of[f.Severity] = finding.More("file", f.Severity, of[f.Severity].More+n, of[f.Severity].Open || f.Open)
	}
	var counted []Finding
	for _, m := range of {
		if m.Rule != "" {
			counted = append(counted, Finding{File: left[0].File, Severity: m.Severity, Rule: m.Rule, Message: m.Message, More: m.More, Open: m.Open})
		}
	}
	return counted
}

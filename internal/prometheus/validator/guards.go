package validator

import (
	"bytes"
	"slices"

	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
)

// The guards refuse what is valid and still a disaster. Each can be allowed by name.
const (
	GuardEmpty  = "guard-empty-config"
	GuardJobs   = "guard-no-scrape-jobs"
	GuardGroups = "guard-no-rule-groups"
)

// Guards are the names for --allow that concern Prometheus.
var Guards = []string{GuardEmpty, GuardJobs, GuardGroups}

// Kinds of items in the outline that guards count.
const (
	KindJob   = "scrape job"
	KindGroup = "rule group"
)

// guards compares the files with what the server runs. Files with mistakes are refused anyway, and what seems to be missing
// from them may be in the broken part.
func guards(main viewed, req finding.Request, res finding.Result) []finding.Finding {
	now := res.Outline
	if now == nil || finding.HasErrors(res.Findings) {
		return nil
	}
	var fs []finding.Finding
	raise := func(guard, message string) {
		f := finding.Finding{
			File: main.user, Line: 1, Column: 1, Severity: finding.Error, Rule: guard, Message: message,
			Hint: "if this is intended, allow it with --allow " + guard + " (in reloader's own file: allow: [" + guard + "])",
		}
		if slices.Contains(req.Allow, guard) {
			f.Severity, f.Hint = finding.Warning, ""
		}
		fs = append(fs, f)
	}
	if len(now.Items) == 0 {
		what := "the main file is empty"
		if !empty(main.content) {
			what = "the main file has no scrape job, no rule file and nothing else for Prometheus to do"
		}
		raise(GuardEmpty, what+": Prometheus would accept it and then do nothing")
		return fs
	}
	// Files outside the visible directories may still have jobs and groups.
	e, _ := res.Expected.(*proof.Expected)
	if e == nil && req.Running != nil && req.Running.Told {
		return fs
	}
	if n := now.Count(KindJob); n == 0 && (e == nil || !e.OpenJobs) && req.Running.Count(KindJob) > 0 {
		raise(GuardJobs, "all scrape jobs are gone: nothing would be scraped")
	}
	if n := now.Count(KindGroup); n == 0 && (e == nil || !e.OpenRules) && req.Running.Count(KindGroup) > 0 {
		raise(GuardGroups, "all rule groups are gone: no alert would fire")
	}
	return fs
}

// empty reports whether a file has only blanks, comments and document markers.
func empty(content []byte) bool {
	for line := range bytes.Lines(content) {
		if t := bytes.TrimSpace(line); len(t) > 0 && t[0] != '#' && !bytes.Equal(t, []byte("---")) && !bytes.Equal(t, []byte("...")) {
			return false
		}
	}
	return true
}

package validator

import (
	"slices"

	"reloader/internal/finding"
)

// The guards: what is valid and still a disaster. Each can be allowed by name.
const (
	GuardEmpty  = "guard-empty-config"
	GuardJobs   = "guard-no-scrape-jobs"
	GuardGroups = "guard-no-rule-groups"
)

// Guards are the names that --allow takes for Prometheus.
var Guards = []string{GuardEmpty, GuardJobs, GuardGroups}

// Kinds of items in the outline that guards count.
const (
	KindJob   = "scrape job"
	KindGroup = "rule group"
)

// guards compares what the files say with what runs.
func guards(file string, req finding.Request, now *finding.Outline) []finding.Finding {
	if now == nil {
		return nil
	}
	var fs []finding.Finding
	raise := func(guard, message string) {
		f := finding.Finding{
			File: file, Line: 1, Column: 1, Severity: finding.Error, Rule: guard, Message: message,
			Hint: "if this is meant, allow it with --allow " + guard,
		}
		if slices.Contains(req.Allow, guard) {
			f.Severity, f.Hint = finding.Warning, ""
		}
		fs = append(fs, f)
	}
	if len(now.Items) == 0 {
		raise(GuardEmpty, "the main file is empty: Prometheus would take it and do nothing any more")
		return fs
	}
	if n := now.Count(KindJob); n == 0 && req.Running.Count(KindJob) > 0 {
		raise(GuardJobs, "all scrape jobs are gone: nothing would be scraped any more")
	}
	if n := now.Count(KindGroup); n == 0 && req.Running.Count(KindGroup) > 0 {
		raise(GuardGroups, "all rule groups are gone: no alert would fire any more")
	}
	return fs
}

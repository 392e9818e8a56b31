package kube

import (
	"fmt"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// answer is the server's answer to a refused reload; empty without one.
func answer(s reload.Status) string {
	if s.Failure == nil || s.Failure.Body == "" {
		return ""
	}
	return "; it answered: " + s.Failure.Body
}

// mismatch says what a server runs differently, and why.
func mismatch(s reload.Status) string {
	text := fmt.Sprintf("%s does not run %s: %s", s.Target, s.Wanted.Short(), s.Reason)
	for _, d := range s.Differences {
		if !strings.Contains(text, d) {
			text += "; " + d
		}
	}
	if s.Cause != "" {
		text += "; likely cause: " + s.Cause
	}
	return text
}

// describe says why a target's files were rejected: the first error with its position, and how many more there are.
func describe(s reload.Status) string {
	errors := finding.OfSeverity(s.Findings, finding.Error)
	if len(errors) == 0 {
		return fmt.Sprintf("%s: %s", s.Target, s.Reason)
	}
	text := fmt.Sprintf("%s: %s: %s", s.Target, errors[0].Position(), errors[0].Message)
	if n := finding.Count(s.Findings, finding.Error) - 1; n > 0 {
		text += fmt.Sprintf(" (and %s%d more)", finding.AtLeast(s.Findings, finding.Error), n)
	}
	return text
}

// applied says what a target runs and what is new in it. When a bad change was undone, nothing is new.
func applied(ran snapshot.Digest, to reload.Status) string {
	text := fmt.Sprintf("%s runs %s", to.Target, to.Running.Short())
	if len(to.Changes) > 0 && to.Running != ran {
		text += ": " + strings.Join(to.Changes, ", ")
	}
	return text
}

package main

import (
	"fmt"
	"strings"
	"testing"

	"reloader/internal/finding"
)

// Of many findings only the first are shown, errors before warnings, and a line says how many there are in addition.
func TestOnlyTheFirstFindingsAreShown(t *testing.T) {
	t.Parallel()
	var all []finding.Finding
	for i := range maxShownFindings + 5 {
		f := finding.Finding{File: "a.yml", Line: i + 1, Column: 1, Severity: finding.Warning, Rule: "r", Message: fmt.Sprintf("m%d", i)}
		if i > maxShownFindings {
			f.Severity = finding.Error
		}
		all = append(all, f)
	}
	var b strings.Builder
	printFindings(&b, "  ", all)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != maxShownFindings+1 || !strings.Contains(lines[0], fmt.Sprintf("a.yml:%d:1: error", maxShownFindings+2)) ||
		lines[maxShownFindings] != "  and 5 more; reloader status --format json has them" {
		t.Errorf("%d lines:\n%s", len(lines), b.String())
	}
	b.Reset()
	if printFindings(&b, "", all[:maxShownFindings]); strings.Contains(b.String(), "more") || strings.Count(b.String(), "\n") != maxShownFindings {
		t.Error(b.String())
	}
	// Another program may have answered: findings without a severity are shown like all others.
	b.Reset()
	if printFindings(&b, "", make([]finding.Finding, maxShownFindings+1)); strings.Count(b.String(), "\n") != maxShownFindings+1 {
		t.Error(b.String())
	}
}

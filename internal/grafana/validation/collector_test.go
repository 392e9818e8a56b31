package validation

import (
	"fmt"
	"testing"

	"reloader/internal/finding"
)

// However many mistakes there are, what is listed is bounded, the rest is counted, and an error among a flood of
// remarks still makes the verdict.
func TestCollector(t *testing.T) {
	t.Parallel()
	var b collector
	for i := range 1_000_000 {
		b.add(finding.Finding{File: fmt.Sprintf("f%d", i%50), Line: i, Severity: finding.Warning, Rule: "r"})
	}
	if b.full("f1") {
		t.Error("warnings make a file full")
	}
	b.add(finding.Finding{File: "f1", Line: 7, Severity: finding.Error, Rule: "r"})
	list := b.sorted()
	if len(list) > maxInAll+52 {
		t.Errorf("%d findings", len(list))
	}
	if !finding.HasErrors(list) {
		t.Error("the error is lost")
	}
	var one collector
	for i := range MaxPerFile + 5 {
		one.add(finding.Finding{File: "f", Line: i + 1, Severity: finding.Error, Rule: "r"})
	}
	one.add(finding.Finding{File: "g", Line: 1, Severity: finding.Error, Rule: "r"})
	list = one.sorted()
	if !one.full("f") || one.full("g") || len(list) != MaxPerFile+2 {
		t.Fatalf("%d findings", len(list))
	}
	if more := list[MaxPerFile-1]; more.Rule != finding.RuleMore || more.Message != "5 more findings in this file are not shown" {
		if more = list[MaxPerFile]; more.Rule != finding.RuleMore || more.Message != "5 more findings in this file are not shown" {
			t.Errorf("%+v", more)
		}
	}
}

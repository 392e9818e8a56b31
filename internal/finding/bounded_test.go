package finding

import (
	"fmt"
	"testing"
)

// However many mistakes there are, what is listed is bounded, the rest is counted, and an error among a flood of
// remarks still makes the verdict.
func TestBounded(t *testing.T) {
	t.Parallel()
	var b Bounded
	for i := range 1_000_000 {
		b.Add(Finding{File: fmt.Sprintf("f%d", i%50), Line: i, Severity: Warning, Rule: "r"})
	}
	if b.Full("f1") {
		t.Error("warnings make a file full")
	}
	b.Add(Finding{File: "f1", Line: 7, Severity: Error, Rule: "r"})
	list := b.List()
	if len(list) > MaxInAll+52 {
		t.Errorf("%d findings", len(list))
	}
	if !HasErrors(list) {
		t.Error("the error is lost")
	}
	var one Bounded
	for i := range MaxPerFile + 5 {
		one.Add(Finding{File: "f", Line: i + 1, Severity: Error, Rule: "r"})
	}
	one.Add(Finding{File: "g", Line: 1, Severity: Error, Rule: "r"})
	list = one.List()
	if !one.Full("f") || one.Full("g") || len(list) != MaxPerFile+2 {
		t.Fatalf("%d findings", len(list))
	}
	if more := list[MaxPerFile-1]; more.Rule != RuleMore || more.Message != "and 5 more of severity error in this file" {
		if more = list[MaxPerFile]; more.Rule != RuleMore || more.Message != "and 5 more of severity error in this file" {
			t.Errorf("%+v", more)
		}
	}
}

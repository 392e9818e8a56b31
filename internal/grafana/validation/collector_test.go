package validation

import (
	"fmt"
	"testing"

	"reloader/internal/finding"
)

// However many findings there are, the list is bounded and the rest is counted. One error among a million warnings still makes
// the verdict invalid.
func TestCollector(t *testing.T) {
	t.Parallel()
	var b collector
	for i := range 1_000_000 {
		b.add(finding.Finding{File: fmt.Sprintf("f%d", i%50), Line: i, Severity: finding.Warning, Rule: "r"})
	}
	if b.full("f1") {
		t.Error("a file with many warnings takes no more errors")
	}
	b.add(finding.Finding{File: "f1", Line: 7, Severity: finding.Error, Rule: "r"})
	list := b.sorted()
	if len(list) > 1000+52 || finding.Number(list, finding.Warning) != "1000000 warnings" {
		t.Errorf("%d findings for %s", len(list), finding.Number(list, finding.Warning))
	}
	if !finding.HasErrors(list) {
		t.Error("the error is lost")
	}
	var one collector
	for i := range 105 {
		one.add(finding.Finding{File: "f", Line: i + 1, Severity: finding.Error, Rule: "r"})
	}
	one.add(finding.Finding{File: "g", Line: 1, Severity: finding.Error, Rule: "r"})
	list = one.sorted()
	if !one.full("f") || one.full("g") || len(list) != 102 {
		t.Fatalf("%d findings", len(list))
	}
	if more := list[100]; more != finding.More("f", finding.Error, 5, false) {
		t.Errorf("%+v", more)
	}
	one.stop("f") // it is not read to its end
	if more := one.sorted()[100]; more != finding.More("f", finding.Error, 5, true) {
		t.Errorf("%+v", more)
	}
}

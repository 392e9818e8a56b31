package finding

import (
	"fmt"
	"strings"
	"testing"
)

// Findings that are not shown are summed up: with an exact number if all were counted, with "at least" if the search ended early.
// Bounding the list again keeps that.
func TestMore(t *testing.T) {
	t.Parallel()
	var found []Finding
	for i := range 250 {
		found = append(found, Finding{File: "a", Line: i + 1, Severity: Error, Rule: "r", Message: fmt.Sprint(i)})
	}
	for _, c := range []struct {
		name           string
		found          []Finding
		number, said   string
		before, places string
	}{
		{"counted", found, "250 errors", "150 more errors in this file are not shown", "", "a"},
		{"one", found[:101], "101 errors", "1 more error in this file is not shown", "", "a"},
		{"counted before", append(found[:100:100], More("a", Error, 4900, false)), "5000 errors", "4900 more errors in this file are not shown", "", "a"},
		{"and again", append(found[:250:250], More("a", Error, 4750, false)), "5000 errors", "4900 more errors in this file are not shown", "", "a"},
		{"ended", append(found[:100:100], More("a", Error, 4900, true)), "at least 5000 errors", "at least 4900 more errors in this file are not shown", "at least ", "a"},
		{"ended before", append(found[:250:250], More("a", Error, 0, true)), "at least 250 errors", "at least 150 more errors in this file are not shown", "at least ", "a"},
		{"ended at once", append(found[:1:1], More("a", Error, 0, true)), "at least 1 error", "there may be more errors in this file: the search ended here", "at least ", "a"},
		{"other files", append(found[:1:1], More("", Error, 7, false)), "8 errors", "7 more errors in other files are not shown", "", ""},
	} {
		got := Bound(append([]Finding(nil), c.found...))
		last := got[len(got)-1]
		if n := Number(got, Error); n != c.number || last.Rule != RuleMore || last.Message != c.said || last.File != c.places {
			t.Errorf("%s: %s; %+v", c.name, n, last)
		}
		if AtLeast(got, Error) != c.before || AtLeast(got, Warning, Info) != "" {
			t.Errorf("%s: %q", c.name, AtLeast(got, Error))
		}
		var text strings.Builder
		if err := WriteText(&text, got, nil); err != nil || !strings.HasSuffix(text.String(), "error: "+c.said+" ["+RuleMore+"]\n") {
			t.Errorf("%s: %s", c.name, text.String())
		}
	}
	if got := Number(nil, Warning); got != "0 warnings" {
		t.Errorf("no findings: %q, want 0 warnings", got)
	}
}

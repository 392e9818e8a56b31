package finding

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// However many findings a validator has, the result is bounded. An error among many warnings is still
// listed, and findings that are left out are counted.
func TestBound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		files, of, bad int // files, warnings in each, errors at the end of the last one
	}{
		{"few", 3, 10, 1}, {"one file", 1, 200_000, 1}, {"many files", 20_000, 3, 1}, {"no error", 1, 50_000, 0}, {"errors only", 1, 0, 50_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var all []Finding
			for f := range c.files {
				for i := range c.of {
					all = append(all, Finding{File: fmt.Sprint("f", f), Line: i + 1, Severity: Warning, Message: "w"})
				}
			}
			for i := range c.bad {
				all = append(all, Finding{File: fmt.Sprint("f", c.files-1), Line: c.of + i + 1, Severity: Error, Message: "bad"})
			}
			total := len(all)
			got := Bound(all)
			listed, bad, perFile := 0, 0, map[string]int{}
			for _, f := range got {
				if f.Rule != RuleMore {
					listed++
					perFile[f.File]++
					if f.Severity == Error {
						bad++
					}
				}
			}
			if want := min(c.bad, 100); bad != want {
				t.Errorf("%d errors are listed, want %d", bad, want)
			}
			if listed < min(total, 100) {
				t.Errorf("only %d of %d findings are listed", listed, total)
			}
			// docs/checks.md promises these bounds.
			if listed > 1000 || len(got)-listed > 100+3 {
				t.Errorf("%d findings are listed, and %d count others", listed, len(got)-listed)
			}
			for file, n := range perFile {
				if n > 100 {
					t.Errorf("%d findings of %s, want at most 100", n, file)
				}
			}
			if HasErrors(got) != (c.bad > 0) {
				t.Errorf("errors: %v", HasErrors(got))
			}
			if errors, warnings := Count(got, Error), Count(got, Warning); errors != c.bad || errors+warnings != total {
				t.Errorf("%d errors and %d warnings are counted of %d", errors, warnings, total)
			}
			for i, f := range got[:len(got)-1] {
				if f.Rule == RuleMore && got[i+1].File == f.File && got[i+1].Rule != RuleMore {
					t.Errorf("%v comes before %v", f, got[i+1])
				}
			}
			if again := Bound(slices.Clone(got)); !slices.Equal(again, got) {
				t.Errorf("bounded again, it has %d findings instead of %d", len(again), len(got))
			}
		})
	}
	long := Bound([]Finding{{Message: strings.Repeat("ü", 1_000_000), Hint: strings.Repeat("x", 1_000_000)}})
	if len(long[0].Message) > maxText+3 || len(long[0].Hint) > maxText+3 {
		t.Error("a text is not bounded")
	}
}

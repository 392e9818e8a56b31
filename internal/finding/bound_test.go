package finding

import (
	"fmt"
	"strings"
	"testing"
)

// However many findings a validator has, what leaves is bounded, an error among a million warnings is
// still there, and what is left out is counted.
func TestBound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		files, of, bad int // files, warnings of each, errors in the last place of the last one
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
			if len(got) > maxInAll+maxPerFile+1 {
				t.Errorf("%d findings left", len(got))
			}
			if HasErrors(got) != (c.bad > 0) {
				t.Errorf("errors: %v", HasErrors(got))
			}
			shown, counted := 0, 0
			for _, f := range got {
				if f.Rule != RuleMore {
					shown++
					continue
				}
				var n int
				if _, err := fmt.Sscanf(f.Message, "%d more findings", &n); err != nil {
					t.Fatal(f.Message)
				}
				counted += n
			}
			if shown+counted != total {
				t.Errorf("%d shown and %d counted of %d", shown, counted, total)
			}
		})
	}
	long := Bound([]Finding{{Message: strings.Repeat("ü", 1_000_000), Hint: strings.Repeat("x", 1_000_000)}})
	if len(long[0].Message) > maxText+3 || len(long[0].Hint) > maxText+3 {
		t.Error("a text is not bounded")
	}
}

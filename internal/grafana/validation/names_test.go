package validation

import (
	"strings"
	"testing"
)

// A text that is shortened for a message is cut between two characters, not within one.
func TestCut(t *testing.T) {
	t.Parallel()
	if got, want := Cut(strings.Repeat("a", 59)+"üü"), strings.Repeat("a", 59)+"..."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Cut(strings.Repeat("a", 60)), strings.Repeat("a", 60); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

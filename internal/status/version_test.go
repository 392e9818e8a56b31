package status

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a server answers as its version, the label has a bounded length and no control characters.
func TestVersionLabel(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"12.4.0": "12.4.0", "": "", "1\x1b[2J\n2": "1 [2J 2", strings.Repeat("v", 300_000): strings.Repeat("v", maxVersion)} {
		if got := versionLabel(given); got != want {
			t.Errorf("%.80q: %q, want %q", given, got, want)
		}
	}
	if got := versionLabel(strings.Repeat("ü", 100) + "\xff"); !utf8.ValidString(got) || len(got) > maxVersion+1 {
		t.Errorf("%q", got)
	}
}

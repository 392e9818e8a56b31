package validator

import (
	"strings"
	"testing"
)

// Parts of promtool's words that may be a password are removed: the name of an unknown anchor, a value, user
// information with any number of @.
func TestCleaned(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"yaml: unknown anchor 'ZZSECRETZZ' referenced", `parse "http://u:p@ZZSECRETZZ@h/%zz": invalid URL escape`, "http://ZZSECRETZZ@h", "cannot unmarshal !!str `ZZSECRETZZ` into int",
	} {
		if got := cleaned(s); strings.Contains(got, "SECRET") {
			t.Errorf("%q became %q", s, got)
		}
	}
}

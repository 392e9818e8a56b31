package validator

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// The documentation lists every check and guard, and no others.
func TestChecksAreDocumented(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "checks.md"))
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:prometheus|rule|guard)-[a-z-]+)` \\| .+ \\|$").FindAllStringSubmatch(string(b), -1) {
		documented = append(documented, m[1])
	}
	if want := slices.Concat(Rules, Guards); !slices.Equal(documented, want) {
		t.Errorf("docs/checks.md names %q, the code %q", documented, want)
	}
}

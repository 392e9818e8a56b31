package manifests

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// The documentation lists every check of manifests, and no others.
func TestChecksAreDocumented(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../../docs/checks-manifests.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:manifest|subpath)-[a-z-]+)` \\| .+ \\|$").FindAllStringSubmatch(string(b), -1) {
		documented = append(documented, m[1])
	}
	if !slices.Equal(documented, Rules) {
		t.Errorf("docs/checks-manifests.md names %q, the code %q", documented, Rules)
	}
}

package judge

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"reloader/internal/versions"
)

// Library names the version that is linked: module v0.316.0 is Prometheus 3.16.0.
func TestLibraryIsTheModule(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`^v0\.(\d)(\d\d)\.(\d+)`).FindStringSubmatch(strings.TrimSpace(string(out)))
	if m == nil || m[1]+"."+strings.TrimPrefix(m[2], "0")+"."+m[3] != Library {
		t.Errorf("the module is %s, Library says %s", out, Library)
	}
}

// A server's version is known or not, newer than the library or not, and 2.x or not. A release candidate counts as its release.
func TestVersions(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct{ known, newer, old bool }{
		"":            {false, false, false},
		"nonsense":    {false, false, false},
		"2.55.1":      {true, false, true},
		"v3.0.0":      {true, false, false},
		"3.15.9":      {true, false, false},
		"3.16.0-rc.0": {true, false, false},
		"3.17.0-rc.0": {true, true, false},
		"4.0.0":       {true, true, false},
	} {
		v := versions.Parse(in)
		if v.Known() != want.known || newer(v) != want.newer || is2x(v) != want.old {
			t.Errorf("%q: known %v, newer %v, old %v", in, v.Known(), newer(v), is2x(v))
		}
	}
}

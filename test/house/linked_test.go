package house

import (
	"os/exec"
	"strings"
	"testing"
)

// The sidecar links no package that makes it large. One call of a method by name, as in text/template, makes the linker
// keep every exported method of the program (1.8 MB). Prometheus' client libraries link protobuf (2 MB), and a second
// YAML library has 0.2 MB.
func TestWhatTheSidecarLinks(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "reloader/cmd/reloader").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "reloader/internal/app\n") {
		t.Errorf("not the packages of the sidecar:\n%s", out)
	}
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		for _, never := range []string{"text/template", "html/template", "net/http/pprof", "testing", "time/tzdata", "go.yaml.in/yaml/v2", "runtime/metrics"} {
			if pkg == never {
				t.Errorf("reloader links %s", pkg)
			}
		}
		for _, never := range []string{"github.com/prometheus/", "google.golang.org/protobuf/", "k8s.io/"} {
			if strings.HasPrefix(pkg, never) {
				t.Errorf("reloader links %s", pkg)
			}
		}
	}
}

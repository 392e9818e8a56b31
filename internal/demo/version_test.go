package demo

import (
	"os"
	"strings"
	"testing"
)

// The demo shows the Prometheus that promcheck judges with.
func TestPrometheusModuleIsTheOneInGoMod(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := "github.com/prometheus/prometheus v" + PrometheusModule + "\n"; !strings.Contains(string(b), want) {
		t.Errorf("go.mod does not require %s", strings.TrimSpace(want))
	}
}

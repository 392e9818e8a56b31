package status

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/metrics.md names every metric of ours, and none that does not exist.
func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	tracker, _, _ := newTracker(t)
	families, err := tracker.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "reloader_") {
			continue
		}
		exists[f.GetName()] = true
		if !strings.Contains(string(doc), "| `"+f.GetName()+"` | "+strings.ToLower(f.GetType().String())+" |") {
			t.Errorf("docs/metrics.md has no row for %s, a %s", f.GetName(), strings.ToLower(f.GetType().String()))
		}
	}
	for _, name := range regexp.MustCompile(`reloader_[a-z0-9_]+`).FindAllString(string(doc), -1) {
		if !exists[name] {
			t.Errorf("docs/metrics.md names %s, which does not exist", name)
		}
	}
}

// docs/troubleshooting.md explains every phase and every class of failure.
func TestEveryPhaseAndClassIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	words := []string{}
	for _, p := range phases {
		words = append(words, string(p))
	}
	for _, c := range classes {
		words = append(words, string(c))
	}
	for _, w := range words {
		if !strings.Contains(string(doc), "\n| `"+w+"` |") {
			t.Errorf("docs/troubleshooting.md has no row for %s", w)
		}
	}
}

package status

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"reloader/internal/snapshot"
)

// docs/metrics.md has a row with the right type for every metric, and names no metric that does not exist.
func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	tracker, _, _ := newTracker(t)
	tracker.Add(Target{Name: "gated", Gate: func() snapshot.Digest { return snapshot.Digest{} }})
	tracker.CallsBy(func() []Call { return []Call{{"get", "200", 1}} })
	kinds := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (reloader_\w+) (\w+)$`).FindAllStringSubmatch(string(tracker.exposition()), -1) {
		kinds[m[1]] = m[2]
	}
	if len(kinds) < 20 {
		t.Errorf("only %d metrics", len(kinds))
	}
	for _, gap := range undocumented(string(doc), kinds) {
		t.Error(gap)
	}
	// The comparison itself can fail, in each direction.
	for what, broken := range map[string]string{
		"a row is missing":             strings.Replace(string(doc), "| `reloader_watches` | gauge |", "", 1),
		"the type is wrong":            strings.Replace(string(doc), "| `reloader_watches` | gauge |", "| `reloader_watches` | counter |", 1),
		"a metric that does not exist": string(doc) + "| `reloader_wishes` | gauge | none |\n",
	} {
		if len(undocumented(broken, kinds)) == 0 {
			t.Errorf("not seen: %s", what)
		}
	}
}

// undocumented lists the differences between the rows of doc and the existing metrics with their types.
func undocumented(doc string, kinds map[string]string) (gaps []string) {
	for name, kind := range kinds {
		if !strings.Contains(doc, "| `"+name+"` | "+kind+" |") {
			gaps = append(gaps, "docs/metrics.md has no row for "+name+", a "+kind)
		}
	}
	for _, name := range regexp.MustCompile(`reloader_[a-z0-9_]+`).FindAllString(doc, -1) {
		if kinds[name] == "" {
			gaps = append(gaps, "docs/metrics.md names "+name+", which does not exist")
		}
	}
	return gaps
}

// docs/status.md explains every phase and every class of failure.
func TestEveryPhaseAndClassIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/status.md")
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
			t.Errorf("docs/status.md has no row for %s", w)
		}
	}
}

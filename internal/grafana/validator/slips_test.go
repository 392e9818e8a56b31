package validator

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// slips are the typing mistakes that are hardest to find in YAML: one character too many or too few.
var slips = []struct {
	name string
	do   func(line string) string
}{
	{"one blank more", func(l string) string { return " " + l }},
	{"one blank less", func(l string) string { return strings.TrimPrefix(l, " ") }},
	{"no blank after the colon", func(l string) string { return strings.Replace(l, ": ", ":", 1) }},
	{"no closing quote", without(strings.LastIndexAny, `"'`)},
	{"no opening quote", without(strings.IndexAny, `"'`)},
	{"no closing bracket", without(strings.LastIndexAny, `])}`)},
	{"no opening bracket", without(strings.IndexAny, `[({`)},
}

func without(find func(s, set string) int, set string) func(string) string {
	return func(l string) string {
		if i := find(l, set); i >= 0 {
			return l[:i] + l[i+1:]
		}
		return l
	}
}

// A typing mistake is tried in each line of each file. In at least 98.8 % of the cases that are errors, the first error is within
// two lines of the mistake.
func TestSlips(t *testing.T) {
	t.Parallel()
	for name, role := range map[string]string{"datasources.yaml": grafana.Datasources, "rules.yaml": grafana.Alerting, "providers.yaml": grafana.Dashboards} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(filepath.Join("testdata", "slips", name))
			if err != nil {
				t.Fatal(err)
			}
			if found := errorsIn(t, role, string(b)); len(found) > 0 {
				t.Fatalf("the file itself is bad: %v", found)
			}
			lines := strings.SplitAfter(string(b), "\n")
			bad, near := 0, 0
			for i, line := range lines {
				for _, s := range slips {
					wrong := s.do(line)
					if text := strings.TrimSpace(line); wrong == line || text == "" || text[0] == '#' {
						continue
					}
					found := errorsIn(t, role, strings.Join(lines[:i], "")+wrong+strings.Join(lines[i+1:], ""))
					if len(found) == 0 {
						continue // no mistake to Grafana, or only a warning
					}
					bad++
					if far := max(found[0].Line-(i+1), i+1-found[0].Line); far <= 2 {
						near++
					} else {
						t.Logf("%s: %d lines away: %s", fmt.Sprintf("line %d with %s", i+1, s.name), far, found[0])
					}
				}
			}
			t.Logf("%s: of %d slips that are errors %d are found within 2 lines", name, bad, near)
			if bad < 30 || float64(near) < 0.988*float64(bad) { // as for Prometheus' files: 340 of 344
				t.Errorf("%d of %d slips are found within 2 lines", near, bad)
			}
		})
	}
}

func errorsIn(t *testing.T, role, content string) []finding.Finding {
	t.Helper()
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: role, Dir: "/p/" + role}, map[string][]byte{"a.yaml": []byte(content)}))
	r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return finding.OfSeverity(r.Findings, finding.Error)
}

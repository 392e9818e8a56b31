package finding

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The SARIF output is the golden file, which tools/schemas checks against the schema of SARIF 2.1.0. sarifHolds checks
// further constraints.
func TestWriteSARIF(t *testing.T) {
	t.Parallel()
	findings := append(slices.Clone(sample),
		Finding{File: "/abs/a b.yml", Line: 1, Severity: Warning, Rule: "x-y", Message: "a\x1b[31m\nb"},
		Finding{Severity: Error, Message: "nowhere"})
	var b strings.Builder
	if err := WriteSARIF(&b, "v1.0.0", findings, []string{"no promcheck"}); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/report.sarif"
	if os.Getenv("RELOADER_UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	sarifHolds(t, b.String(), len(findings))
	b.Reset()
	if err := WriteSARIF(&b, "dev", nil, nil); err != nil {
		t.Fatal(err)
	}
	sarifHolds(t, b.String(), 0)
}

// sarifHolds checks the constraints on the properties that are written, and that there are no other properties.
func sarifHolds(t *testing.T, text string, results int) {
	t.Helper()
	type message struct{ Text *string }
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, Version string
					Rules         []struct{ ID string }
				}
			}
			ColumnKind  string
			Invocations []struct {
				ExecutionSuccessful        *bool
				ToolExecutionNotifications []struct {
					Level   string
					Message message
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   message
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn *int }
					}
				}
			}
		}
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || log.Schema == "" || len(log.Runs) != 1 || !strings.Contains(text, `"results": [`) {
		t.Fatalf("version %q, %d runs", log.Version, len(log.Runs))
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name == "" || !slices.Contains([]string{"utf16CodeUnits", "unicodeCodePoints"}, run.ColumnKind) || len(run.Results) != results {
		t.Errorf("driver %+v, %d results, want %d", run.Tool.Driver, len(run.Results), results)
	}
	ids := map[string]bool{}
	for _, r := range run.Tool.Driver.Rules {
		if r.ID == "" || ids[r.ID] {
			t.Errorf("the rule %q is empty or occurs twice", r.ID)
		}
		ids[r.ID] = true
	}
	levels := []string{"none", "note", "warning", "error"}
	for _, i := range run.Invocations {
		if i.ExecutionSuccessful == nil {
			t.Error("an invocation has no executionSuccessful")
		}
		for _, n := range i.ToolExecutionNotifications {
			if !slices.Contains(levels, n.Level) || n.Message.Text == nil {
				t.Errorf("%+v", n)
			}
		}
	}
	for _, r := range run.Results {
		if r.RuleIndex < 0 || r.RuleIndex >= len(run.Tool.Driver.Rules) || run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("rule %d is not %s", r.RuleIndex, r.RuleID)
		}
		if !slices.Contains(levels, r.Level) || r.Message.Text == nil || *r.Message.Text == "" || strings.ContainsAny(*r.Message.Text, "\n\x1b") {
			t.Errorf("%+v", r)
		}
		for _, l := range r.Locations {
			if _, err := url.Parse(l.PhysicalLocation.ArtifactLocation.URI); err != nil || strings.ContainsAny(l.PhysicalLocation.ArtifactLocation.URI, " \\") {
				t.Errorf("%q is no URI reference: %v", l.PhysicalLocation.ArtifactLocation.URI, err)
			}
			if g := l.PhysicalLocation.Region; g != nil && (g.StartLine == nil || *g.StartLine < 1 || g.StartColumn != nil && *g.StartColumn < 1) {
				t.Errorf("a region begins before the file: %+v", g)
			}
		}
	}
}

package generic

import (
	"os"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

func judge(t *testing.T, running *finding.Outline, allow []string, files map[string][]byte) finding.Result {
	t.Helper()
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "files", Dir: "/etc/x"}, files))
	r, err := Validator{}.Validate(t.Context(), finding.Request{Set: set, Running: running, Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The guard rejects files that had contents and are empty now. Files that were always empty, or are new, may be intended.
func TestEmptied(t *testing.T) {
	t.Parallel()
	before := judge(t, nil, nil, map[string][]byte{"a": []byte("x"), "b": nil})
	if before.Invalid() {
		t.Fatalf("at first sight: %v", before.Findings)
	}
	after := map[string][]byte{"a": nil, "b": nil, "c": nil}
	got := judge(t, before.Outline, nil, after)
	if len(got.Findings) != 1 || got.Findings[0].File != "/etc/x/a" || got.Findings[0].Rule != GuardEmptied || !got.Invalid() {
		t.Errorf("findings: %v", got.Findings)
	}
	if got := judge(t, before.Outline, []string{GuardEmptied}, after); got.Invalid() || len(got.Findings) != 1 {
		t.Errorf("allowed, yet %v", got.Findings)
	}
	if _, err := (Validator{}).Validate(t.Context(), finding.Request{}); err == nil {
		t.Error("no files were judged")
	}
}

// docs/checks.md names the guard.
func TestDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/checks.md")
	if err != nil || !strings.Contains(string(doc), "`"+GuardEmptied+"`") {
		t.Errorf("docs/checks.md does not name %s (%v)", GuardEmptied, err)
	}
}

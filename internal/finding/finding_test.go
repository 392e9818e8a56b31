package finding

import (
	"encoding/json"
	"testing"
)

// A finding is printed on one line, with its position if it has one.
func TestFindingString(t *testing.T) {
	t.Parallel()
	f := Finding{File: "a.yml", Line: 3, Column: 5, Severity: Error, Rule: "prometheus-yaml", Message: "no\nthing"}
	if got, want := f.String(), "a.yml:3:5: error: no thing [prometheus-yaml]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.Line = 0
	if got, want := f.String(), "a.yml: error: no thing [prometheus-yaml]"; got != want {
		t.Errorf("without a line: got %q, want %q", got, want)
	}
}

// A severity survives JSON. The zero and unknown severities are errors.
func TestSeverityJSON(t *testing.T) {
	t.Parallel()
	for _, s := range []Severity{Info, Warning, Error} {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back Severity
		if err := json.Unmarshal(b, &back); err != nil || back != s {
			t.Errorf("%s came back as %v, %v", b, back, err)
		}
	}
	if _, err := json.Marshal(Severity(0)); err == nil {
		t.Error("the zero severity was written")
	}
	var s Severity
	if err := json.Unmarshal([]byte(`"fatal"`), &s); err == nil {
		t.Error("an unknown severity was read")
	}
}

// Findings are sorted by file, position and severity, and counted by severity.
func TestSortAndCount(t *testing.T) {
	t.Parallel()
	fs := []Finding{
		{File: "b", Line: 1, Severity: Info},
		{File: "a", Line: 2, Severity: Warning},
		{File: "a", Line: 2, Severity: Error},
		{File: "a", Line: 1, Column: 9, Severity: Warning},
	}
	Sort(fs)
	if fs[0].Column != 9 || fs[1].Severity != Error || fs[2].Severity != Warning || fs[3].File != "b" {
		t.Errorf("wrong order: %v", fs)
	}
	if !HasErrors(fs) || Count(fs, Warning) != 2 || HasErrors(fs[2:]) {
		t.Error("wrong counts")
	}
}

package transform

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Only variables that the operator allows get into files: otherwise anyone who can write the files could read the
// environment, which usually contains Grafana's password.
func TestVariablesNeedPermission(t *testing.T) {
	t.Parallel()
	environment := map[string]string{"GF_SECURITY_ADMIN_PASSWORD": "Sup3rS3cret", "RELOADER_X": "s", "CLUSTER": "prod", "REGION_ONE": "eu", "CLUSTER_TOKEN": "tok"}
	for pattern, want := range map[string]string{"": "", "CLUSTER": "prod", "REGION_*": "eu", "*": "Sup3rS3cretsprodeutok"} {
		asked := []string{}
		o := Options{Expand: []string{"*"}, Lookup: func(name string) (string, bool) {
			asked = append(asked, name)
			v, ok := environment[name]
			return v, ok
		}}
		if pattern != "" {
			o.Names = []string{pattern}
		}
		out, findings := Apply(take(map[string]string{"a": "$(GF_SECURITY_ADMIN_PASSWORD)$(RELOADER_X)$(CLUSTER)$(REGION_ONE)$(CLUSTER_TOKEN)"}), o)
		got := contents(out)["a"]
		for name := range environment {
			got = strings.ReplaceAll(got, "$("+name+")", "")
		}
		if got != want {
			t.Errorf("names %q: %q, want %q", pattern, got, want)
		}
		if len(asked)+len(findings) != len(environment) {
			t.Errorf("names %q: asked for %q, %d findings", pattern, asked, len(findings))
		}
		for _, f := range findings {
			if f.Rule != RuleForbidden || f.Severity != finding.Error {
				t.Errorf("names %q: %v", pattern, f)
			}
		}
	}
}

// quoting is a validator that quotes everything that it reads.
type quoting struct{}

func (quoting) Validate(_ context.Context, req finding.Request) (finding.Result, error) {
	var res finding.Result
	for _, s := range req.Set.Snapshots {
		for _, f := range s.Files {
			b, _ := s.Bytes(f.Name)
			res.Findings = append(res.Findings, finding.Finding{File: s.Source.UserPath(f.Name), Message: fmt.Sprintf("unknown field %q", b), Hint: string(b)})
		}
	}
	return res, nil
}

// When a validator quotes a file, the variable is shown instead of its value, also where the value is escaped.
func TestValuesStayOutOfFindings(t *testing.T) {
	t.Parallel()
	values := map[string]string{"TOKEN": `s3cr"et\x`, "LONGER": `s3cr"et\x-and-more`, "LINES": "first\nsecond", "SHORT": "eu"}
	inserted := &Values{}
	changed, _ := inserted.Apply(take(map[string]string{"a": "x: $(LONGER) $(TOKEN) $(LINES) $(SHORT)"}), Options{
		Expand: []string{"*"}, Names: []string{"*"}, Lookup: func(name string) (string, bool) { v, ok := values[name]; return v, ok },
	})
	res, err := inserted.Hide(quoting{}).Validate(t.Context(), finding.Request{Set: snapshot.NewSet(changed)})
	if err != nil {
		t.Fatal(err)
	}
	f := res.Findings[0]
	if want := `unknown field "x: $(LONGER) $(TOKEN) $(LINES) eu"`; f.Message != want || f.Hint != "x: $(LONGER) $(TOKEN) $(LINES) eu" || !f.Private {
		t.Errorf("%s; %s", f.Message, f.Hint)
	}
}

// A file full of unset variables has a bounded number of findings.
func TestFindingsAreBounded(t *testing.T) {
	t.Parallel()
	_, findings := Apply(take(map[string]string{"a": strings.Repeat("$(X)", 250_000)}), Options{Expand: []string{"*"}, Names: []string{"*"}, Lookup: lookup})
	if len(findings) != 101 || finding.Number(findings, finding.Error) != "at least 100 errors" {
		t.Errorf("%d findings: %s", len(findings), finding.Number(findings, finding.Error))
	}
}

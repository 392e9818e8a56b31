package validator

import (
	"errors"
	"strings"
	"testing"

	"reloader/internal/confine"
	"reloader/internal/finding"
	"reloader/test/rig"
)

// With the real promtool as external validator, findings have the user's paths and promtool's lines. They show no secrets and no temporary
// paths, and a missing file is a warning that hides no other mistake.
func TestExternalPromtool(t *testing.T) {
	t.Parallel()
	tool := rig.PromtoolBinary(t)
	goodRules := "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: sum(x)\n"
	for name, tc := range map[string]struct {
		files map[string]string
		agent bool
		want  []string
	}{
		"good": {map[string]string{"prometheus.yml": "rule_files: [/srv/*.rules]\n", "a.rules": goodRules}, false, nil},
		"unknown field": {map[string]string{"prometheus.yml": "global:\n  scrape_intervall: 5s\n"}, false,
			[]string{"/user/prometheus.yml:2: error"}},
		"rules": {map[string]string{"prometheus.yml": "rule_files: ['*.rules']\n", "a.rules": goodRules, "b.rules": strings.Replace(goodRules, "sum(x)", "sum(x", 1)}, false,
			[]string{"/user/b.rules:5:11: error"}},
		"secret in the wrong place": {map[string]string{"prometheus.yml": "scrape_configs:\n- job_name: a\n  basic_auth: hunter2\n"}, false,
			[]string{"/user/prometheus.yml:3: error"}},
		"missing file, bad rules": {map[string]string{"prometheus.yml": "rule_files: ['a.rules', 'gone.rules']\n", "a.rules": strings.Replace(goodRules, "sum(x)", "sum(x", 1)}, false,
			[]string{"/user/a.rules:5:11: error", "/user/prometheus.yml: warning"}},
		"missing file, bad rules in flow style": {map[string]string{
			"prometheus.yml": "rule_files: &r ['./*.rules', 'more/gone.yml']\n",
			"a.rules":        "{groups: [{name: g, rules: [{record: 'a:b', expr: 'sum(x'}]}]}\n",
			"b.rules":        "{\"groups\": [{\"name\": 1.5, \"rulez\": []}]}\n",
		}, false, []string{"/user/a.rules:1:51: error", "/user/b.rules:1: error", "/user/prometheus.yml: warning"}},
		"missing file, foreign groups": {map[string]string{
			"prometheus.yml": "rule_files: ['gone.yml']\n", "grafana.yml": "apiVersion: 1\ngroups:\n- name: g\n",
		}, false, []string{"/user/prometheus.yml: warning"}},
		"agent": {map[string]string{"prometheus.yml": "rule_files: ['*.rules']\n", "a.rules": goodRules}, true,
			[]string{"/user/prometheus.yml: error"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(tc.files)
			req.Facts.Agent = tc.agent
			res, err := New(Options{Main: "/user/prometheus.yml", External: tool}).Validate(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range res.Findings {
				got = append(got, f.Position()+": "+f.Severity.String())
				if strings.Contains(f.String(), "hunter2") || strings.Contains(f.Message, "reloader-check-") {
					t.Errorf("a secret or a temporary path is shown: %s", f)
				}
			}
			if strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
				t.Errorf("got %v, want %v", res.Findings, tc.want)
			}
		})
	}
}

// An external validator that cannot judge is an error. One that refuses without words is still a refusal.
func TestExternalThatFails(t *testing.T) {
	t.Parallel()
	v := New(Options{Main: "/user/prometheus.yml", External: script(t, "echo no such command; exit 127")})
	var je *JudgeError
	if _, err := v.Validate(t.Context(), request(oneFile)); !errors.As(err, &je) || je.Reason != confine.ReasonDied {
		t.Errorf("got %v", err)
	}
	v = New(Options{Main: "/user/prometheus.yml", External: script(t, "exit 1")})
	if res, err := v.Validate(t.Context(), request(oneFile)); err != nil || !res.Invalid() {
		t.Errorf("a refusal without words: %v, %v", res, err)
	}
}

// Whatever an external validator prints, each finding is an error in one of the user's files.
func FuzzParsePromtool(f *testing.F) {
	f.Add("Checking /t/p\n  FAILED: parsing YAML file /t/p: yaml: unmarshal errors:\n  line 3: cannot unmarshal !!str `hunter2` into int\n")
	f.Add("Checking /t/p\n SUCCESS: /t/p is valid\n\nChecking /t/r\n  FAILED:\n/t/r: 3:4: group \"a\", rule 1, \"b\": bad\n")
	f.Fuzz(func(t *testing.T, out string) {
		users := map[string]string{"/t/p": "/u/p", "/t/r": "/u/r"}
		for _, x := range parsePromtool(out, users, "/u/p") {
			if x.Line < 0 || x.Severity != finding.Error || x.File != "/u/p" && x.File != "/u/r" {
				t.Fatalf("not an error in a file of the user: %+v", x)
			}
		}
	})
}

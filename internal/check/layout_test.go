package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/check"
	"reloader/internal/finding"
	prometheusvalidator "reloader/internal/prometheus/validator"
	"reloader/test/rig"
)

// A main file usually names its rules by their paths in the server's container. They are searched next to the main file, and
// a warning says so if they were not found and not checked.
func TestAbsoluteRuleFiles(t *testing.T) {
	t.Parallel()
	const broken = "groups:\n- name: g\n  rules:\n  - {record: a, expr: sum(}\n"
	const read = "groups: [{name: h, rules: [{record: b, expr: up}]}]\n"
	const unread = "groups:\n- name: g\n  rules:\n  - record: a\n    expr: up\n"
	main := func(pattern string) string { return "rule_files: ['" + pattern + "']\n" }
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // rule and severity
	}{
		"a directory beside it": {
			map[string]string{"prometheus.yml": main("/etc/nowhere/rules/*.yml"), "rules/a.yml": broken},
			[]string{prometheusvalidator.RuleAssumedPath + " info", prometheusvalidator.RulePromQL + " error"},
		},
		"a file beside it": {
			map[string]string{"prometheus.yml": main("/etc/nowhere/z.rules"), "z.rules": broken},
			[]string{prometheusvalidator.RuleAssumedPath + " info", prometheusvalidator.RulePromQL + " error"},
		},
		"two directories down": {
			map[string]string{"prometheus.yml": main("/etc/nowhere/rules/team/*.yml"), "rules/team/a.yml": broken},
			[]string{prometheusvalidator.RuleAssumedPath + " info", prometheusvalidator.RulePromQL + " error"},
		},
		"elsewhere": {
			map[string]string{"prometheus.yml": main("/etc/nowhere/rules/*.yml"), "alerts/a.yml": broken},
			[]string{prometheusvalidator.RuleMissingFile + " warning"},
		},
		"only the main file itself": {
			map[string]string{"prometheus.yml": main("/etc/nowhere/rules/*.yml")},
			[]string{prometheusvalidator.RuleMissingFile + " warning"},
		},
		"named by nothing": {
			map[string]string{"prometheus.yml": main("named.yml"), "named.yml": read, "rules/a.yml": unread, "b.rules": unread, "b.yml.off": unread, "grafana.yml": "apiVersion: 1\n" + unread},
			[]string{prometheusvalidator.RuleUnreadFile + " info", prometheusvalidator.RuleUnreadFile + " info"},
		},
		"named through ..data": {
			map[string]string{"prometheus.yml": main("/etc/nowhere/..data/*.rules"), "a.rules": unread},
			[]string{prometheusvalidator.RuleAssumedPath + " info"},
		},
		"named in a longer form": {
			map[string]string{"prometheus.yml": main("/etc/nowhere/./rules//*.yml"), "rules/a.yml": unread},
			[]string{prometheusvalidator.RuleAssumedPath + " info"},
		},
		"read under another name": {
			map[string]string{"prometheus.yml": main("link.rules"), "real.rules": unread, "link.rules": "-> real.rules"},
			nil,
		},
		"relative": {
			map[string]string{"prometheus.yml": main("rules/*.yml"), "rules/a.yml": broken},
			[]string{prometheusvalidator.RulePromQL + " error"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			rig.WriteTree(t, dir, c.files)
			for p, text := range c.files {
				if to, link := strings.CutPrefix(text, "-> "); link {
					rig.Must(t, os.Remove(filepath.Join(dir, p)))
					rig.Must(t, os.Symlink(to, filepath.Join(dir, p)))
				}
			}
			o := check.Options{}
			o.Config.Promcheck = rig.Program(t, "promcheck")
			results := check.Run(t.Context(), o, []string{filepath.Join(dir, "prometheus.yml")})
			if len(results) != 1 || results[0].Err != nil {
				t.Fatalf("%+v", results)
			}
			var got []string
			for _, f := range results[0].Findings {
				got = append(got, f.Rule+" "+f.Severity.String())
				if f.Severity == finding.Warning && f.Hint == "" {
					t.Errorf("%v: no hint", f)
				}
			}
			if strings.Join(got, ", ") != strings.Join(c.want, ", ") {
				t.Errorf("got %q, want %q: %+v", got, c.want, results[0].Findings)
			}
		})
	}
}

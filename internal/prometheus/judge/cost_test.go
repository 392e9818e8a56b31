package judge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
)

// manyPatterns is a question with n numbered patterns, and one matching rule file for each.
func manyPatterns(n int, pattern, file string) *validator.Question {
	var main strings.Builder
	main.WriteString("rule_files:\n")
	q := &validator.Question{Protocol: validator.Protocol, Dirs: []string{"/etc/prometheus"}, Files: []validator.File{{Path: "/etc/prometheus/prometheus.yml"}}}
	for i := range n {
		fmt.Fprintf(&main, "- '%s'\n", strings.ReplaceAll(pattern, "N", fmt.Sprintf("%05d", i)))
		body := fmt.Sprintf("groups:\n- name: g%d\n  rules: []\n", i)
		q.Files = append(q.Files, validator.File{Path: "/etc/prometheus/" + strings.ReplaceAll(file, "N", fmt.Sprintf("%05d", i)), Size: int64(len(body)), Content: []byte(body)})
	}
	q.Files[0].Content = []byte(main.String())
	q.Files[0].Size = int64(main.Len())
	return q
}

// A configuration with many patterns and many files is judged in full: each pattern is compared only with the few files that
// share its directory, beginning or ending.
func TestManyPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"rules/N-*.yml", "rules/N-a.yml"},
		{"rules/*-N.yml", "rules/a-N.yml"},
		{"?ules/N/*.yml", "rules/N/a.yml"},
	} {
		q := manyPatterns(1000, c[0], c[1])
		j := newJudge(q)
		j.main()
		if len(j.answer.Findings) > 0 || len(j.answer.Rules) != 1000 || j.compared > 100_000 {
			t.Errorf("%s: %d comparisons, %d rule files, %v", c[0], j.compared, len(j.answer.Rules), j.answer.Findings[:min(2, len(j.answer.Findings))])
		}
	}
}

// A configuration that needs too many comparisons gets a warning. Files that look like rules are still judged: a bad one is an error.
func TestTooManyComparisons(t *testing.T) {
	t.Parallel()
	q := manyPatterns(300, "*-N-*", "a-N-b")
	bad := "groups:\n- name: g\n  rules: [{record: a, expr: 'sum('}]\n"
	q.Files = append(q.Files, validator.File{Path: "/etc/prometheus/bad", Size: int64(len(bad)), Content: []byte(bad)})
	j := newJudge(q)
	j.compared = maxCompared - 20_000
	j.main()
	var rules []string
	for _, f := range j.answer.Findings {
		rules = append(rules, f.Severity.String()+" "+f.Rule)
	}
	want := []string{finding.Warning.String() + " " + validator.RulePatternCost, finding.Error.String() + " " + validator.RulePromQL}
	if !slices.Equal(rules, want) || j.answer.Broken || !j.openRules {
		t.Errorf("got %v, want %v", j.answer.Findings, want)
	}
}

// All mistakes of a file full of them are reported, and each costs the same: its place is searched only in its own lines.
func TestManyMistakes(t *testing.T) {
	t.Parallel()
	const n = 1000
	for name, rule := range map[string]string{
		"an expression": "  - {alert: AN, expr: 'sum(', labels: {token: tN}}\n",
		"a duration":    "  - alert: AN\n    expr: up\n    for: 5x\n",
		"a key":         "  - alert: AN\n    expr: up\n    forx: 5m\n",
		"a template":    "  - alert: AN\n    expr: up\n    annotations: {a: '{{ $lables }}'}\n",
		"a name":        "  - record: AN\n    expr: up\n    for: 5m\n",
		"a group":       "- {name: g, rules: [], limit: x}\n",
	} {
		var b strings.Builder
		b.WriteString("groups:\n- name: g\n  rules:\n")
		for i := range n {
			b.WriteString(strings.ReplaceAll(rule, "N", fmt.Sprint(i)))
		}
		a := judgeRules("/d/r.yml", []byte(b.String()))
		lines := map[int]bool{}
		for _, f := range errorsOf(a) {
			lines[f.Line] = true
		}
		if want := n; name != "a group" && len(lines) != want || len(lines) == 0 {
			t.Errorf("%s: errors on %d lines, want %d", name, len(lines), want)
		}
	}
}

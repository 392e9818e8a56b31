package validator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// hostile are files of about this size. With a megabyte, they once gave a million findings or took minutes.
func hostile(size int) map[string]map[string]string {
	fill := func(head, piece, tail string) string {
		return head + strings.Repeat(piece, (size-len(head))/len(piece)) + tail
	}
	fillNumbered := func(head, piece, tail string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, piece, i)
		}
		return b.String() + tail
	}
	return map[string]map[string]string{
		"rules":      {grafana.Alerting: fill("apiVersion: 1\ngroups: [{name: g, folder: f, interval: 10s, rules: [", "{},", "]}]\n")},
		"flow":       {grafana.Datasources: fill("apiVersion: 1\ndatasources: [", "{},", "]\n")},
		"dashes":     {grafana.Datasources: fill("apiVersion: 1\ndatasources:\n", "- {}\n", "")},
		"nulls":      {grafana.Datasources: fill("apiVersion: 1\ndatasources:\n", "-\n", "")},
		"keys":       {grafana.Datasources: fill("apiVersion: 1\ndatasources:\n- name: a\n", "  k: 1\n", "")},
		"variables":  {grafana.Datasources: fill("apiVersion: 1\ndatasources:\n- name: \"", "${a}", "\"\n")},
		"files":      {grafana.Datasources: fill("apiVersion: 1\ndatasources:\n- name: \"", "$__file{/x}", "\"\n")},
		"braces":     {grafana.Datasources: fill("apiVersion: 1\ndatasources:\n- name: \"", "${", "\"\n")},
		"values":     {grafana.Datasources: fill("apiVersion: 1\ndatasources:\n- name: a\n  jsonData:\n    l:\n", "    - $a-$b\n", "")},
		"providers":  {grafana.Dashboards: fill("apiVersion: 1\nproviders: [", "{},", "]\n")},
		"paths":      {grafana.Dashboards: fillNumbered("apiVersion: 1\nproviders: [", "{name: p%[1]d, options: {path: /d%[1]d}},", "]\n")},
		"targets":    {grafana.Datasources: fillNumbered("apiVersion: 1\ndatasources: [", "{name: d%[1]d, type: loki, uid: u%[1]d, correlations: [{targetUID: n, label: l, description: d}]},", "]\n")},
		"receivers":  {grafana.Alerting: fill("contactPoints: [{name: c, receivers: [", "{type: x},", "]}]\n")},
		"routes":     {grafana.Alerting: fill("policies: [{receiver: r, routes: [", "{a: 1},", "]}]\n")},
		"settings":   {grafana.Alerting: fillNumbered("contactPoints: [{name: c, receivers: [{uid: u, type: webhook, settings: {url: 'http://x'", ", k%d: 1", "}}]}]\n")},
		"route keys": {grafana.Alerting: fillNumbered("policies:\n- receiver: r\n", "  k%d: 1\n", "")},
		"apps":       {grafana.Plugins: fill("apps: [", "{},", "]\n")},
		"mute times": {grafana.Alerting: fill("muteTimes: [{name: m, time_intervals: [", "{times: [{}]},", "]}]\n")},
	}
}

// Hostile files give a limited number of findings, and bad ones are still refused. BenchmarkHostile shows memory and time.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	for name, sets := range hostile(100_000) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for role, content := range sets {
				r := judgeOne(t, role, content)
				listed := map[string]int{} // by file and severity
				for _, f := range r.Findings {
					if f.Rule != finding.RuleMore {
						listed[f.File+" as "+f.Severity.String()]++
					}
				}
				for where, n := range listed {
					if n > 100 {
						t.Errorf("%d findings are listed for %s", n, where)
					}
				}
				if name != "values" && name != "routes" && len(r.Findings) < 2 {
					t.Errorf("only %d findings", len(r.Findings))
				}
				if (name == "rules" || name == "flow" || name == "apps") && !r.Invalid() {
					t.Error("a bad file passes")
				}
			}
		})
	}
}

func judgeOne(t testing.TB, role, content string) finding.Result {
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: role, Dir: "/p/" + role}, map[string][]byte{"a.yaml": []byte(content)}))
	r, err := New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A deadline that passes within a file ends the judging before the end of that file, without a verdict.
func TestDeadlineWithinAFile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("too long")
	// Each entry asks for a variable; the first question ends the context.
	const entries = 10_000
	asked := 0
	opts := validation.Options{}
	opts.Env.LookupEnv = func(string) (string, bool) { asked++; cancel(why); return "x", true }
	content := "apiVersion: 1\ndatasources:\n" + strings.Repeat("- {name: $A, type: loki, jsonData: {a: 1}}\n", entries)
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: grafana.Datasources, Dir: "/p"}, map[string][]byte{"a.yaml": []byte(content)}))
	_, err := New(opts).Validate(ctx, finding.Request{Set: set, Facts: finding.Facts{SameEnv: true}})
	if !errors.Is(err, why) || asked >= entries {
		t.Errorf("%v after %d of %d entries", err, asked, entries)
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, sets := range hostile(1_000_000) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for role, content := range sets {
					judgeOne(b, role, content)
				}
			}
		})
	}
}

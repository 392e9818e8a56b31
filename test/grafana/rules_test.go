package grafana

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/grafanatest"
	"reloader/internal/grafana/validation"
	"reloader/internal/grafana/validator"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// madeQuery is a query that Grafana answers itself, with one series.
const madeQuery = `{refId: A, datasourceUid: made, relativeTimeRange: {from: 600, to: 0}, model: {refId: A, scenarioId: csv_metric_values, stringInput: "1,20,90"}}`

// expressions returns the expressions of rules, which follow madeQuery, by whether Grafana evaluates them.
func expressions() (fine, wrong []string) {
	const (
		above    = `, conditions: [{type: query, evaluator: {type: gt, params: [0]}}]}}`
		classic  = `conditions: [{type: query, evaluator: {type: gt, params: [0]}, operator: {type: and}, query: {params: [A]}, reducer: {type: last, params: []}}]}}`
		reduce   = `{refId: B, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: A}}, `
		resample = `window: 1m, downsampler: mean, upsampler: fillna}}, {refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: B}}`
		ranged   = `{refId: B, datasourceUid: __expr__, relativeTimeRange: {from: 600, to: 0}, model: {type: resample, `
	)
	fine = []string{
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: threshold, expression: B` + above,
		`{refId: C, datasourceUid: __expr__, model: {type: threshold, expression: B` + above + `, {refId: B, datasourceUid: '-100', model: {type: reduce, reducer: max, expression: A}}`,
		`{refId: B, datasourceUid: __expr__, model: {type: threshold, expression: A` + above + `, {refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: $B}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: threshold, Expression: B` + above,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: threshold, expression: B, conditions: [{evaluator: {type: gt, params: [10]}, unloadEvaluator: {type: lt, params: [5]}}]}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: classic_conditions, ` + classic,
		`{refId: C, datasourceUid: __expr__, model: {type: classic_conditions, expression: '', ` + classic,
		`{refId: C, datasourceUid: __expr__, model: {type: classic_conditions, expression: Gone, ` + classic,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: math, expression: '${B} > 1 && $B > 2'}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: math, expression: 1 == 1}}`,
		ranged + `expression: A, ` + resample, ranged + `expression: $A, ` + resample,
		`{refId: 1, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: A}}, {refId: C, datasourceUid: __expr__, model: {type: threshold, expression: "1"` + above,
		`{refId: Of A, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: A}}, {refId: C, datasourceUid: __expr__, model: {type: threshold, expression: Of A` + above,
		`{refId: a$$b, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: A}}, {refId: C, datasourceUid: __expr__, model: {type: threshold, expression: a$b` + above,
		`{refId: C, datasourceUid: __expr__, model: {type: classic_conditions, conditions: [{evaluator: {type: no_value}, query: {params: [A, 5m, now]}, reducer: {type: avg}}]}}`,
		ranged + `expression: A, window: 20m, downsampler: mean, upsampler: fillna}}, {refId: C, datasourceUid: __expr__, model: {type: math, expression: 1 == 1}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: math, expression: "(abs($B) ** 2 >= .5 || is_nan($B)) && !($B == -1) && 08 > 0x1"}}`,
		reduce + `{refId: D, datasourceUid: made, relativeTimeRange: {from: 600, to: 0}, model: {type: treshold, expression: Gone, scenarioId: csv_metric_values, stringInput: "1"}}, {refId: C, datasourceUid: __expr__, model: {type: math, expression: $B}}`,
	}
	const good = reduce + `{refId: C, datasourceUid: __expr__, model: {type: threshold, expression: B` + above
	wrong = []string{
		`{refId: C, datasourceUid: __expr__, model: {type: treshold, expression: A` + above,
		`{refId: C, datasourceUid: __expr__, model: {type: Reduce, reducer: last, expression: A}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: 5, reducer: last, expression: A}}`,
		`{refId: C, datasourceUid: __expr__, model: {reducer: last, expression: A}}`,
		good + `, {refId: D, datasourceUid: __expr__, model: {type: classic, ` + classic,
		good + `, {refId: D, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: Gone}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: a}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: "A "}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: "${A}"}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: threshold, expression: Gone` + above,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: threshold, expression: $B` + above,
		ranged + `expression: Gone, ` + resample, ranged + resample,
		`{refId: C, datasourceUid: __expr__, model: {type: math}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: last}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: threshold` + above,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: math, expression: $B > $Gone}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: math, expression: $B == 1 and $B == 2}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: math, expression: 1 + abs()}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: math, expression: 5}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: math, expression: $A > 1}}, {refId: D, datasourceUid: __expr__, model: {type: math, expression: $E}}, {refId: E, datasourceUid: __expr__, model: {type: math, expression: $D}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: math, expression: $C}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: classic_conditions, conditions: [{evaluator: {type: gt, params: [0]}, query: {params: [B]}, reducer: {type: last}}]}}`,
		`{refId: B, datasourceUid: __expr__, model: {type: classic_conditions, ` + classic + `, {refId: C, datasourceUid: __expr__, model: {type: math, expression: $B}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: avg, expression: A}}`,
		`{refId: B, datasourceUid: __expr__, model: {type: math, expression: "1"}}, {refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: B}}`,
		`{refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: A, settings: {mode: strict}}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: threshold, expression: B, conditions: []}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: threshold, expression: B, conditions: [{evaluator: {type: within_range, params: [1]}}]}}`,
		reduce + `{refId: C, datasourceUid: __expr__, model: {type: threshold, expression: B, conditions: [{evaluator: {type: gt, params: ["1"]}}]}}`,
		reduce + `{refId: D, datasourceUid: __expr__, model: {type: threshold, expression: B, conditions: [{evaluator: {type: gt, params: [1]}, unloadEvaluator: }]}}, {refId: C, datasourceUid: __expr__, model: {type: math, expression: $D}}`,
		`{refId: B, datasourceUid: __expr__, model: {type: resample, expression: A, ` + resample, ranged + `expression: A, window: 1d12h, downsampler: mean, upsampler: fillna}}, ` + good[len(reduce):],
		ranged + `expression: A, window: 1m, downsampler: mean, upsampler: backfill}}, {refId: C, datasourceUid: __expr__, model: {type: reduce, reducer: last, expression: B}}`,
		ranged + `expression: A, window: 1m, downsampler: mean, upsampler: fillna}}, {refId: C, datasourceUid: __expr__, model: {type: threshold, expression: B` + above, // a time series
	}
	return fine, wrong
}

// Templates of annotations, by whether Grafana expands them. In a label each dollar sign is written twice.
var (
	fineTemplates = []string{
		"{{ $labels.alertname }} {{ $values.B.Value }} {{ $value }}", "{{ .Labels.alertname }} {{ .Values.B }} {{ .Value }}{{ $.Labels.a }}",
		`{{ printf "%.2f" $values.B.Value }} {{ humanize $values.B.Value }} {{ $values.B.Value | humanizePercentage }}`,
		"{{ range $k, $v := $labels }}{{ if eq $k `a` }}{{ continue }}{{ else if eq $k `b` }}{{ break }}{{ end }}{{ $k }}={{ $v }} {{ end }}",
		"{{ with $labels.nothing }}{{ . }}{{ else with $labels.alertname }}{{ . }}{{ end }}", "{{ $labels.nothing }} {{ $values.Q.Value }}",
		`{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" $labels.alertname }}{{ block "y" . }}{{ end }}`,
		`{{ define "template" }}[{{ . }}]{{ end }}{{ template "template" $labels.alertname }}`,
		"{{ index $labels `a-b` }} {{ (index $values `B`).Value }}", "{{ $x := 1 }}{{ $x = 2 }}{{ $x }}", "{{/* a comment */}}x{{- /* b */ -}}",
		"{{- if gt $values.B.Value 0.5 }}\na\n{{- end }}\n", `}} {"a": "{{ $labels.alertname }}"} costs $5 or $$ {{ "{{" }}`,
		"{{ filterLabels $labels `a` }}{{ removeLabelsRe $labels `.*` }}{{ mergeLabelValues $values }}{{ externalURL }}", "{{ range query `up` }}{{ . }}{{ end }}x",
	}
	wrongTemplates = []string{
		"{{ $labels.a ", "{{ $labels.a }", "{{ if $value }}x", "x{{ end }}", "{{ $label.a }}", "{{ $$labels.a }}", "{{ $labels.a-b }}", `{{ printf "%s $labels.a }}`, "{{ }}",
		"{{ printf '%s' $labels.a }}", "{{/* x }}", "{{ break }}", "{{ range k, v := $labels }}{{ end }}", "{{ $value / 100 }}", "{{ $value > 1 }}", "{{ $value + 1 }}",
		"{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", "{{ template foo }}", `{{ $labels["a"] }}`, "{{{ $labels.a }}}",
		`{{ define "d" }}a{{ end }}{{ define "d" }}b{{ end }}`,
	}
)

// ruleTrial is one rule, and whether Grafana fails to evaluate it or to expand its template.
type ruleTrial struct {
	text, template string
	wrong          bool
}

// ruleTrials returns all rules by title; each is one line.
func ruleTrials(t *testing.T) map[string]ruleTrial {
	t.Helper()
	out := map[string]ruleTrial{}
	add := func(data, labels, annotations, template string, wrong bool) {
		title := fmt.Sprintf("rule %03d", len(out))
		out[title] = ruleTrial{fmt.Sprintf("  - {uid: r%03d, title: %s, condition: C, for: 0s, labels: {%s}, annotations: {%s}, data: [%s, %s]}\n",
			len(out), title, labels, annotations, madeQuery, data), template, wrong}
	}
	fine, wrong := expressions()
	for i, data := range slices.Concat(fine, wrong) {
		add(data, "", "", "", i >= len(fine))
	}
	for i, template := range slices.Concat(fineTemplates, wrongTemplates) {
		text := func(s string) string {
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			return "a: " + string(b)
		}
		bad := i >= len(fineTemplates)
		add(fine[0], "", text(template), template, bad)
		add(fine[0], text(strings.ReplaceAll(template, "$", "$$")), "", template, bad)
	}
	return out
}

// ruleFile is a file with the rules, in groups of ten, and the titles by line.
func ruleFile(trials map[string]ruleTrial) (text string, titles map[int]string) {
	var b strings.Builder
	titles = map[int]string{}
	b.WriteString("apiVersion: 1\ngroups:\n")
	for i, title := range slices.Sorted(maps.Keys(trials)) {
		if i%10 == 0 {
			fmt.Fprintf(&b, "- name: G%d\n  folder: F\n  interval: 10s\n  rules:\n", i/10)
		}
		titles[strings.Count(b.String(), "\n")+1] = title
		b.WriteString(trials[title].text)
	}
	return b.String(), titles
}

// There is a warning for each rule that Grafana fails to evaluate or to expand, and none for those that only look like it.
// TestRulesThatFailOnTheRealServer compares the rules with a real server.
func TestRulesThatFail(t *testing.T) {
	trials := ruleTrials(t)
	text, titles := ruleFile(trials)
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: grafana.Alerting, Dir: "alerting"}, map[string][]byte{"a.yaml": []byte(text)}))
	r, err := validator.New(validation.Options{}).Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{Version: "12.4.0"}})
	if err != nil {
		t.Fatal(err)
	}
	warned := map[string]bool{}
	for _, f := range r.Findings {
		switch {
		case f.Severity == finding.Error:
			t.Error(f)
		case f.Rule == "alert-rule-expression" || f.Rule == "alert-rule-template":
			if titles[f.Line] == "" {
				t.Errorf("not in the line of a rule: %s", f)
			}
			warned[titles[f.Line]] = true
		}
	}
	for title, trial := range trials {
		if warned[title] != trial.wrong {
			t.Errorf("warned %v: %s", warned[title], trial.text)
		}
	}
}

// shownRule is a rule as Grafana shows it.
type shownRule struct {
	Name, Health, LastError string
	LastEvaluation          time.Time
	Alerts                  []struct{ Labels, Annotations map[string]string }
}

// A real server fails to evaluate or to expand exactly the rules that are marked as wrong.
func TestRulesThatFailOnTheRealServer(t *testing.T) {
	trials := ruleTrials(t)
	text, _ := ruleFile(trials)
	dir := filepath.Join(t.TempDir(), "provisioning")
	g := grafanatest.StartReal(t, dir)
	for path, text := range map[string]string{"alerting/a.yaml": text, "datasources/d.yaml": "apiVersion: 1\ndatasources: [{name: Made, uid: made, type: grafana-testdata-datasource}]\n"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g.Restart(t)
	shown := map[string]shownRule{}
	rig.Eventually(t, "all rules are evaluated", func() error {
		status, answer, err := g.Ask(t.Context(), http.MethodGet, "/api/prometheus/grafana/api/v1/rules", 0, "")
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("ask for the rules: %d %w", status, err)
		}
		var got struct {
			Data struct{ Groups []struct{ Rules []shownRule } }
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			return err
		}
		for _, group := range got.Data.Groups {
			for _, r := range group.Rules {
				if !r.LastEvaluation.IsZero() {
					shown[r.Name] = r
				}
			}
		}
		if len(shown) != len(trials) {
			return fmt.Errorf("%d of %d rules", len(shown), len(trials))
		}
		return nil
	})
	for title, trial := range trials {
		r := shown[title]
		failed := r.Health == "error"
		for _, alert := range r.Alerts {
			failed = failed || trial.template != "" && (alert.Labels["a"] == trial.template || alert.Annotations["a"] == trial.template)
		}
		if trial.template != "" && len(r.Alerts) == 0 {
			t.Errorf("no alert: %s", trial.text)
		}
		if failed != trial.wrong {
			t.Errorf("failed %v, %s %s %v: %s", failed, r.Health, r.LastError, r.Alerts, trial.text)
		}
	}
}

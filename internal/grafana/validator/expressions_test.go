package validator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A warning about an expression has the line that must be edited.
func TestExpressionPlaces(t *testing.T) {
	t.Parallel()
	rule := func(model string) string {
		return oneRule("data:\n          - {refId: A, datasourceUid: prom, relativeTimeRange: {from: 600, to: 0}, model: {expr: up}}\n          - refId: B\n            datasourceUid: __expr__\n            model:\n" + model)
	}
	const first = 15 // the first line of the model
	for _, c := range []struct {
		model string
		line  int
	}{
		{"type: math\nexpression: $Gone", 1},
		{"expression: $A", -1}, // no type: the model
		{"type: reduce\nexpression: A\nreducer: avg", 2},
		{"type: reduce\nexpression: A", -1},
		{"type: threshold\nexpression: A\nconditions:\n  - evaluator:\n      params: [1]\n      type: above", 5},
		{"type: threshold\nexpression: A\nconditions:\n  - evaluator:\n      params: ['1']\n      type: gt", 4},
		{"type: threshold\nexpression: A\nconditions:\n  - evaluator: {params: [1], type: gt}\n  - evaluator: {params: [1], type: gt}", 3},
		{"type: classic_conditions\nconditions:\n  - query: {params: [A]}\n    reducer: {type: last}\n    evaluator: {type: no_value}\n  - query: {params: [Gone]}\n    operator: {type: or}\n    reducer: {type: last}\n    evaluator: {type: no_value}", 5},
		{"TYPE: x\ntype: resample\nexpression: A\nwindow: 1h\nupsampler: pad\ndownsampler: last", 3},
		{"<<: {type: math}\nexpression: 5", 1},
	} {
		text := rule("              " + strings.ReplaceAll(c.model, "\n", "\n              ") + "\n")
		text = strings.Replace(text, "condition: A", "condition: B", 1)
		var at []string
		for _, f := range oneAlertingFile(t, text, newServer()) {
			if f.Rule == "alert-rule-expression" {
				at = append(at, fmt.Sprint(f.Line))
			}
		}
		if want := fmt.Sprint(first + c.line); !slices.Contains(at, want) {
			t.Errorf("want a warning in line %s, the warnings are in %v:\n%s", want, at, text)
		}
	}
}

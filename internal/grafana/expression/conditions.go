package expression

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"reloader/internal/finding"
)

// evaluator compares a value.
type evaluator struct {
	Params []float64 `json:"params"`
	Type   string    `json:"type"`
}

// The evaluators by the number of parameters that they need (pkg/expr/threshold.go and pkg/expr/classic/evaluator.go).
var (
	oneParam  = []string{"gt", "lt", "eq", "ne", "gte", "lte"}
	twoParams = []string{"within_range", "outside_range", "within_range_included", "outside_range_included"}
)

// decode reads what a model has under a key into a structure, as encoding/json in Grafana does: without regard to case.
func (j *judge) decode(i int, v any, prefix string, out any) bool {
	b, err := json.Marshal(v)
	if err != nil {
		return false
	}
	err = json.Unmarshal(b, out)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return true
	case errors.As(err, &wrong):
		name := strings.Trim(prefix+wrong.Field, ".")
		must := map[reflect.Kind]string{reflect.Slice: "a list", reflect.Struct: "a map", reflect.String: "a string", reflect.Float64: "a number"}[wrong.Type.Kind()]
		j.problem(i, always, "", strings.Split(name, "."), "'%s' must be %s, not %s", finding.Cut(name, 60), must, jsonKind(wrong.Value))
	}
	return false
}

// jsonKind names a kind of value as encoding/json calls it.
func jsonKind(s string) string {
	switch kind, _, _ := strings.Cut(s, " "); kind {
	case "object":
		return "a map"
	case "array":
		return "a list"
	case "bool":
		return "true or false"
	default:
		return "a " + kind
	}
}

// compare judges an evaluator. exactly says that a range may not have more than two parameters.
func (j *judge) compare(i int, e evaluator, path []string, exactly bool, more ...string) {
	known := slices.Concat(oneParam, twoParams, more)
	need := 1
	switch {
	case slices.Contains(more, e.Type):
		return
	case slices.Contains(twoParams, e.Type):
		need = 2
	case !slices.Contains(oneParam, e.Type):
		hint := cmp.Or(finding.DidYouMean(e.Type, known), "write one of "+strings.Join(known, ", "))
		j.problem(i, always, hint, append(path, "type"), "Grafana has no evaluator of this type")
		return
	}
	if len(e.Params) < need || exactly && need == 2 && len(e.Params) > need {
		hint := "write params: [5]"
		if need == 2 {
			hint = "write params: [5, 10]"
		}
		j.problem(i, always, hint, append(path, "params"), "the evaluator %s needs %d params and has %d", e.Type, need, len(e.Params))
	}
}

func (j *judge) threshold(i int, n *node, model map[string]any) {
	var c struct {
		Expression string `json:"expression"`
		Conditions []struct {
			Evaluator evaluator  `json:"evaluator"`
			Unload    *evaluator `json:"unloadEvaluator"`
		} `json:"conditions"`
	}
	if !j.decode(i, model, "", &c) {
		return
	}
	if about := (need{ref: c.Expression, path: []string{"expression"}}); about.ref == "" {
		j.problem(i, always, aboutHint, about.path, "the expression has no 'expression'")
	} else {
		if strings.HasPrefix(about.ref, "$") {
			about.hint = "write the refId without the dollar sign"
		}
		n.needs = []need{about}
	}
	if len(c.Conditions) != 1 {
		j.problem(i, always, "write conditions: [{evaluator: {type: gt, params: [5]}}]", []string{"conditions"}, "a threshold needs one condition and has %d", len(c.Conditions))
		return
	}
	at := []string{"conditions", "0"}
	j.compare(i, c.Conditions[0].Evaluator, append(slices.Clone(at), "evaluator"), false)
	if u := c.Conditions[0].Unload; u != nil {
		j.compare(i, *u, append(slices.Clone(at), "unloadEvaluator"), false)
	}
	// Grafana looks for this key by its exact name, also if it is null.
	list, _ := model["conditions"].([]any)
	if len(list) != 1 || j.rule.Result == "" || j.rule.Result == j.rule.Queries[i].RefID || j.rule.Queries[i].Open {
		return
	}
	if m, ok := list[0].(map[string]any); ok {
		if _, there := m["unloadEvaluator"]; there {
			j.problem(i, always, "make this expression the condition, or remove unloadEvaluator", append(at, "unloadEvaluator"), "only the rule's condition may have a recovery threshold")
		}
	}
}

// classicReducers are those of classic conditions (pkg/expr/classic/reduce.go).
var classicReducers = []string{"avg", "sum", "min", "max", "count", "last", "median", "diff", "diff_abs", "percent_diff", "percent_diff_abs", "count_non_null"}

func (j *judge) classic(i int, n *node, model map[string]any) {
	var list []struct {
		Evaluator evaluator `json:"evaluator"`
		Operator  struct {
			Type string `json:"type"`
		} `json:"operator"`
		Query struct {
			Params []string `json:"params"`
		} `json:"query"`
		Reducer struct {
			Type string `json:"type"`
		} `json:"reducer"`
	}
	if !j.decode(i, model["conditions"], "conditions.", &list) {
		return
	}
	operators := []string{"and", "or", "logic-or"}
	for k, c := range list {
		path := func(keys ...string) []string { return append([]string{"conditions", strconv.Itoa(k)}, keys...) }
		what := fmt.Sprintf("condition %d", k+1)
		if k > 0 && !slices.Contains(operators, c.Operator.Type) {
			j.problem(i, always, "write operator: {type: and}, or or, or logic-or", path("operator", "type"), "%s needs an operator", what)
		}
		if len(c.Query.Params) == 0 || c.Query.Params[0] == "" {
			j.problem(i, always, "write query: {params: [A]}", path("query", "params"), "%s names no query", what)
		} else {
			n.needs = append(n.needs, need{ref: c.Query.Params[0], path: path("query", "params")})
		}
		if !slices.Contains(classicReducers, c.Reducer.Type) {
			hint := cmp.Or(finding.DidYouMean(c.Reducer.Type, classicReducers), "write one of "+strings.Join(classicReducers, ", "))
			if c.Reducer.Type == "mean" {
				hint = "write avg"
			}
			j.problem(i, always, hint, path("reducer", "type"), "%s has no reducer that Grafana knows", what)
		}
		j.compare(i, c.Evaluator, path("evaluator"), true, "no_value")
	}
}

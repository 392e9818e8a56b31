// Package expression judges the queries and server-side expressions of one alert rule as Grafana 12.4 does when it evaluates the
// rule. It knows neither files nor servers.
package expression

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"reloader/internal/finding"
)

// Types are the types of expressions (pkg/expr/commands.go).
var Types = []string{"math", "reduce", "resample", "classic_conditions", "threshold", "sql"}

// Source says where a query gets its data from.
type Source int

const (
	// Unknown is a query of which it is not known whether it is an expression.
	Unknown Source = iota
	DataSource
	Expression
)

// Query is one item of a rule's data.
type Query struct {
	RefID string
	// Open says that the refId depends on Grafana's environment.
	Open   bool
	Source Source
	// Model is the query as JSON; nil if it cannot be read.
	Model map[string]any
	// Seconds is the length of its relativeTimeRange, which is 0 if it has none.
	Seconds int64
}

// Rule is an alert rule or a recording rule.
type Rule struct {
	Queries []Query
	// Result is the refId of the query whose result counts; empty if it is not known.
	Result string
	// Recording says that the result is recorded, which may be a time series.
	Recording bool
	// NoSQL leaves out the expressions of the type sql.
	NoSQL bool
}

// Problem is why evaluations fail.
type Problem struct {
	// Query is the index of the query.
	Query int
	// Path are the keys and list indexes that lead to the place in its model. The last ones may be missing there.
	Path          []string
	Message, Hint string
}

const (
	always   = "Grafana accepts the rule, but every evaluation fails"
	withData = "Grafana accepts the rule, but its evaluations fail as soon as there is data"
)

// need is a query that an expression is about.
type need struct {
	ref, hint string
	path      []string
}

// node is one query of the rule as its model tells.
type node struct {
	kind  string // the type of an expression
	needs []need
	// sound says that the model was understood, and that nothing is wrong with it.
	sound  bool
	result shape
	// inputs are the indexes of the queries in needs.
	inputs []int
}

type judge struct {
	rule     Rule
	nodes    []node
	index    map[string]int // of refIds; -1 for those that several queries have
	open     bool           // there may be refIds that are not known
	problems []Problem
}

// maxProblems is how many problems of one rule are reported. The caller looks for the place of each in the whole model, so with
// more of them a large model would take minutes.
const maxProblems = 20

// Check returns why evaluations of the rule fail, as far as it is known: at most maxProblems reasons. It takes linear time.
func Check(r Rule) []Problem {
	j := &judge{rule: r, nodes: make([]node, len(r.Queries)), index: make(map[string]int, len(r.Queries))}
	for i, q := range r.Queries {
		j.open = j.open || q.Open
		if _, there := j.index[q.RefID]; there {
			j.index[q.RefID] = -1
		} else if !q.Open {
			j.index[q.RefID] = i
		}
	}
	for i, q := range r.Queries {
		if q.Source == Expression && q.Model != nil {
			j.expression(i)
		}
	}
	for i := range j.nodes {
		j.connect(i)
	}
	if order, ok := j.order(); ok && len(j.problems) == 0 {
		j.shapes(order)
	}
	sort.SliceStable(j.problems, func(a, b int) bool { return j.problems[a].Query < j.problems[b].Query })
	return j.problems
}

// HasRef reports whether a query of the rule has the refId, or may have it.
func (r Rule) HasRef(ref string) bool {
	return slices.ContainsFunc(r.Queries, func(q Query) bool { return q.Open || q.RefID == ref })
}

func (j *judge) problem(query int, consequence, hint string, path []string, format string, args ...any) {
	if len(j.problems) == maxProblems {
		return
	}
	j.problems = append(j.problems, Problem{Query: query, Path: path, Message: fmt.Sprintf(format, args...) + ": " + consequence, Hint: hint})
}

// expression reads the model of one expression.
func (j *judge) expression(i int) {
	model, n := j.rule.Queries[i].Model, &j.nodes[i]
	before := len(j.problems)
	typ, there := model["type"]
	n.kind, _ = typ.(string)
	oneOf := "write one of " + strings.Join(Types, ", ")
	switch {
	case !there:
		j.problem(i, always, oneOf, nil, "the expression has no 'type'")
	case !slices.Contains(Types, n.kind):
		j.problem(i, always, cmp.Or(finding.DidYouMean(n.kind, Types), oneOf), []string{"type"}, "Grafana has no expression of this type")
	case n.kind == "math":
		j.math(i, n, model)
	case n.kind == "reduce":
		j.reduce(i, n, model)
	case n.kind == "resample":
		j.resample(i, n, model)
	case n.kind == "threshold":
		j.threshold(i, n, model)
	case n.kind == "classic_conditions":
		j.classic(i, n, model)
	case n.kind == "sql" && !j.rule.NoSQL:
		j.sql(i, n, model)
	default:
		return
	}
	n.sound = len(j.problems) == before
}

// text returns a key of a model that must be a string, and reports it if it is not.
func (j *judge) text(i int, model map[string]any, key, hint string) (string, bool) {
	v, there := model[key]
	s, ok := v.(string)
	switch {
	case !there:
		j.problem(i, always, hint, []string{key}, "the expression has no '%s'", key)
	case !ok:
		j.problem(i, always, hint, []string{key}, "'%s' must be a string, not %s", key, kindOf(v))
	}
	return s, ok
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "empty"
	case bool:
		return "true or false"
	case float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	default:
		return "a string"
	}
}

const aboutHint = "write expression and what it is about: expression: A"

func (j *judge) math(i int, n *node, model map[string]any) {
	text, ok := j.text(i, model, "expression", aboutHint)
	if !ok {
		return
	}
	path := []string{"expression"}
	if strings.TrimSpace(text) == "" {
		j.problem(i, always, aboutHint, path, "the expression is empty")
		return
	}
	refs, wrong, known := parseMath(text)
	if !known {
		n.kind = ""
		return
	}
	if wrong.message != "" {
		j.problem(i, always, wrong.hint, path, "the math expression cannot be read: %s", wrong.message)
		return
	}
	seen := map[string]bool{}
	for _, ref := range refs {
		if !seen[ref] {
			seen[ref] = true
			n.needs = append(n.needs, need{ref: ref, path: path})
		}
	}
}

// about reads the one query that an expression is about.
func (j *judge) about(i int, n *node, model map[string]any) {
	if text, ok := j.text(i, model, "expression", aboutHint); ok {
		n.needs = []need{{ref: strings.TrimPrefix(text, "$"), path: []string{"expression"}}}
	}
}

// reducers are those of the type reduce (pkg/expr/mathexp/reduce.go).
var reducers = []string{"sum", "mean", "min", "max", "count", "last", "median"}

func (j *judge) reduce(i int, n *node, model map[string]any) {
	j.about(i, n, model)
	oneOf := "write one of " + strings.Join(reducers, ", ")
	if reducer, ok := j.text(i, model, "reducer", oneOf); ok && !slices.Contains(reducers, strings.ToLower(reducer)) {
		hint := cmp.Or(finding.DidYouMean(reducer, reducers), oneOf)
		if strings.EqualFold(reducer, "avg") {
			hint = "write mean"
		}
		j.problem(i, always, hint, []string{"reducer"}, "Grafana has no such reducer")
	}
	v, there := model["settings"]
	settings, ok := v.(map[string]any)
	if there && !ok {
		j.problem(i, always, "remove it, or write settings: {mode: dropNN}", []string{"settings"}, "'settings' must be a map, not %s", kindOf(v))
		return
	}
	mode, there := settings["mode"]
	value, filled := settings["replaceWithValue"]
	_, number := value.(float64)
	switch {
	case !there || mode == "" || mode == "dropNN":
	case mode != "replaceNN":
		j.problem(i, always, "write dropNN or replaceNN, or remove it", []string{"settings", "mode"}, "Grafana has no such mode")
	case !filled || !number:
		j.problem(i, always, "write replaceWithValue: 0", []string{"settings", "replaceWithValue"}, "the mode replaceNN needs 'replaceWithValue', which must be a number")
	}
}

func (j *judge) sql(i int, n *node, model map[string]any) {
	const hint = "write a SELECT of one of the queries: SELECT * FROM A"
	text, ok := j.text(i, model, "expression", hint)
	if !ok {
		return
	}
	path := []string{"expression"}
	tables, dollar, empty := sqlTables(text)
	switch {
	case empty:
		j.problem(i, always, hint, path, "the expression is empty")
	case dollar != "":
		j.problem(i, always, "write the refId without the dollar sign", path, "SQL has no names with a dollar sign")
	}
	for _, t := range tables {
		n.needs = append(n.needs, need{ref: t, path: path})
	}
}

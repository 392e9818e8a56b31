package alerting

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana/expression"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

var ruleExpression = validation.NewRule("alert-rule-expression")

// expressions warns of expressions and of a condition with which evaluations fail. result is the refId of the condition.
// Newer versions may have more types.
func (a *reader) expressions(queries []*query, result provisioning.Value, recording bool) {
	if a.p.Version.AtLeast(validation.V13) {
		return
	}
	rule := expression.Rule{Recording: recording, NoSQL: a.p.Version.Before(validation.V124)}
	if result.Known {
		rule.Result = result.Text
	}
	for _, q := range queries {
		rule.Queries = append(rule.Queries, q.judged())
	}
	if rule.Result != "" && !rule.HasRef(rule.Result) {
		a.p.Warnf(a.f.At(result.Node), ruleCondition, "write the refId of one of the queries", "%s is not the refId of a query: Grafana accepts the rule, but every evaluation fails",
			map[bool]string{false: "the condition", true: "'from'"}[recording])
	}
	for _, p := range expression.Check(rule) {
		a.p.Warnf(a.f.At(queries[p.Query].place(a.d, p.Path)), ruleExpression, p.Hint, "%s", p.Message)
	}
}

// query is one item of a rule's data.
type query struct {
	node            *provisioning.Map
	ref, dataSource provisioning.Value
	seconds         int64
	model           map[string]any
	expression      bool
}

// judged is the query as far as the evaluation depends on it.
func (q *query) judged() expression.Query {
	out := expression.Query{RefID: q.ref.Text, Open: !q.ref.Known, Seconds: q.seconds}
	switch {
	case !q.dataSource.Known:
	case q.expression:
		out.Source = expression.Expression
		// As it is after Grafana stored it.
		if b, err := json.Marshal(q.model); err != nil || json.Unmarshal(b, &out.Model) != nil {
			out.Model = nil
		}
	default:
		out.Source = expression.DataSource
	}
	return out
}

// place is the node that a path in the model leads to, or the last one on the way to it.
func (q *query) place(d *provisioning.Decoder, path []string) *yaml.Node {
	at := q.node.Key("model")
	for n := q.node.Get("model"); len(path) > 0; path = path[1:] {
		if n = d.Resolve(n); n == nil {
			break
		}
		key, next := path[0], (*yaml.Node)(nil)
		if n.Kind == yaml.SequenceNode {
			k, err := strconv.Atoi(key)
			if err != nil && len(n.Content) == 1 {
				k, path = 0, append([]string{"0"}, path...)
			} else if err != nil {
				break
			}
			if k < len(n.Content) {
				next = n.Content[k]
			}
		}
		if n.Kind == yaml.MappingNode {
			next = anyCase(n, key)
		}
		if next == nil {
			break
		}
		at, n = next, next
	}
	return at
}

// anyCase returns the value of a key, whose case does not matter if there is none in the same case.
func anyCase(m *yaml.Node, key string) (value *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		switch k := m.Content[i].Value; {
		case k == key:
			return m.Content[i+1]
		case strings.EqualFold(k, key):
			value = m.Content[i+1]
		}
	}
	return value
}

// quietly reads without reporting: what has the wrong form is reported elsewhere.
func (a *reader) quietly(read func()) {
	report := a.d.Report
	a.d.Report = func(finding.Finding) {}
	read()
	a.d.Report = report
}

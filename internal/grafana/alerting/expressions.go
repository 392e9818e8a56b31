package alerting

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

var ruleExpression = validation.NewRule("alert-rule-expression")

// expressionTypes are those of Grafana 12.4 (pkg/expr/commands.go).
var expressionTypes = []string{"math", "reduce", "resample", "classic_conditions", "threshold", "sql"}

// expressions warns of expressions that fail at every evaluation: those of an unknown type, and those about nothing or about a
// query that the rule does not have. Newer versions may have more types.
func (a *reader) expressions(queries []*provisioning.Map) {
	if a.p.Version.AtLeast(validation.V13) {
		return
	}
	report := a.d.Report
	defer func() { a.d.Report = report }()
	a.d.Report = func(finding.Finding) {} // what has the wrong form is reported where the queries are read
	text := func(m *provisioning.Map, key string) provisioning.Value {
		if n := a.d.Resolve(m.Get(key)); n == nil || n.Kind != yaml.ScalarNode {
			return provisioning.Value{}
		}
		return a.d.PlainText(m, key)
	}
	var refs []string
	for _, q := range queries {
		refs = append(refs, text(q, "refId").Raw)
	}
	open := slices.ContainsFunc(refs, func(s string) bool { return s == "" || strings.Contains(s, "$") })
	oneOf := "write one of " + strings.Join(expressionTypes, ", ")
	const consequence = "Grafana accepts the rule, but every evaluation fails"
	for _, q := range queries {
		if ds := text(q, "datasourceUid").Raw; ds != "__expr__" && ds != "-100" {
			continue
		}
		if n := a.d.Resolve(q.Get("model")); n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		model, ok := a.d.Map(q.Get("model"), "'model'")
		if !ok {
			continue
		}
		typ, about := text(model, "type"), text(model, "expression")
		if model.Get("type") == nil {
			a.p.Warnf(a.f.At(q.Key("model")), ruleExpression, oneOf, "the expression has no 'type': %s", consequence)
		}
		if typ.Raw != "" && !slices.Contains(expressionTypes, typ.Raw) {
			a.p.Warnf(a.f.At(typ.Node), ruleExpression, cmp.Or(finding.DidYouMean(typ.Raw, expressionTypes), oneOf), "Grafana has no expression of this type: %s", consequence)
		}
		// The case of a threshold's keys does not matter.
		missing := model.Get("expression") == nil && (typ.Raw != "threshold" || !slices.ContainsFunc(model.Fields, func(f provisioning.Field) bool {
			return strings.EqualFold(f.Key, "expression")
		}))
		if missing && slices.Contains([]string{"math", "reduce", "resample", "threshold"}, typ.Raw) {
			a.p.Warnf(a.f.At(typ.Node), ruleExpression, "write expression and what it is about: expression: A", "the expression has no 'expression': %s", consequence)
		}
		query, hint := about.Raw, "write the refId of one of the queries"
		switch typ.Raw {
		case "reduce", "resample":
			query = strings.TrimPrefix(query, "$")
		case "threshold":
			if strings.HasPrefix(query, "$") {
				hint = "write the refId without the dollar sign"
			}
		default:
			continue
		}
		if query != "" && !open && !slices.Contains(refs, query) {
			a.p.Warnf(a.f.At(about.Node), ruleExpression, hint, "the expression is about a query that the rule does not have: %s", consequence)
		}
	}
}

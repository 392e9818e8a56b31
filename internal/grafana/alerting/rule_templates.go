package alerting

import (
	"slices"
	"strings"
	"text/template/parse"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

var ruleTextTemplate = validation.NewRule("alert-rule-template")

// textVariables are what Grafana puts before each text of a rule that is a template (pkg/services/ngalert/state/template of 12.4).
const textVariables = "{{- $labels := .Labels -}}{{- $values := .Values -}}{{- $value := .Value -}}"

// textTemplate warns of a label or an annotation that Grafana cannot parse: it accepts the rule, and every alert shows the
// template instead of its result. Functions are not looked at, because newer versions have more.
func (a *reader) textTemplate(what, name string, v provisioning.Value, text string) {
	if !strings.Contains(text, "{{") {
		return
	}
	t := parse.New("__alert_") // Grafana's has the rule's title behind it: a text may define templates of other names
	t.Mode = parse.SkipFuncCheck
	_, err := t.Parse(textVariables+text, "", "", map[string]*parse.Tree{})
	if err == nil {
		return
	}
	hint := templateSlipHint(what, text, err.Error())
	a.p.Warnf(a.f.At(v.Node), ruleTextTemplate, hint, "the template of the %s %s cannot be parsed: %s: Grafana accepts the rule, and alerts show the template as text",
		what, validation.Cut(name), validation.Cut(plainTemplateError(err)))
}

// templateSlipHint says what to write instead of what people write most often; empty when the message says it all.
func templateSlipHint(what, text, message string) string {
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(s string) bool { return strings.Contains(message, s) })
	}
	switch {
	case has("U+0024") && strings.Contains(text, "$$") && what == "label":
		return "write $$ for one dollar sign"
	case has("U+0024") && strings.Contains(text, "$$"):
		return "write one dollar sign: Grafana reads annotations as they are written"
	case has("undefined variable"):
		return "the variables are $labels, $values and $value"
	case has("U+002D", "U+005B"):
		return `write {{ index $labels "name" }} for a name with other characters than letters, digits and _`
	case has("character constant"):
		return "write double quotes"
	case has("unclosed action", "unclosed comment", "unexpected EOF", "unexpected {{end}}", `unexpected "}"`):
		return "close each {{ with }}, and each if, range, with, define and block with one {{ end }}"
	}
	return ""
}

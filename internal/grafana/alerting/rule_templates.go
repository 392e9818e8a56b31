package alerting

import (
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
	t := parse.New("template")
	t.Mode = parse.SkipFuncCheck
	_, err := t.Parse(textVariables+text, "", "", map[string]*parse.Tree{})
	if err == nil {
		return
	}
	hint := "the variables are $labels, $values and $value"
	switch message := err.Error(); {
	case strings.Contains(text, "$$"):
		hint = "write one dollar sign: Grafana reads annotations as they are written"
		if what == "label" {
			hint = "write $$ for one dollar sign"
		}
	case !strings.Contains(message, "undefined variable"):
		hint = "close each {{ with }}, and each if or range with {{ end }}"
	}
	a.p.Warnf(a.f.At(v.Node), ruleTextTemplate, hint, "the template of the %s %s cannot be parsed: %s: Grafana accepts the rule, and alerts show the template as text",
		what, validation.Cut(name), validation.Cut(plainTemplateError(err)))
}

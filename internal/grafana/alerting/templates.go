package alerting

import (
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
	"reloader/internal/lazyregexp"
)

var (
	ruleTemplateName   = validation.NewRule("template-name")
	ruleTemplateBody   = validation.NewRule("template-body")
	ruleTemplateSyntax = validation.NewRule("template-syntax")

	templateKeys = []string{"orgId", "name", "template"}
)

func (a *reader) template(m *provisioning.Map) *named {
	a.d.UnknownKeys(m, "a template", templateKeys, "provenance", "resourceversion")
	t := &named{at: a.f.At(m.Node), org: a.org(m), name: a.d.PlainText(m, "name"), fingerprint: validation.FingerprintMap(m)}
	body := a.d.PlainText(m, "template")
	const consequence = "Grafana fails while writing the templates; contact points and mute timings stay applied"
	if t.name.Known && t.name.Text == "" {
		a.p.Errorf(a.f.At(m.Key("name")), ruleTemplateName, "write name", "a template needs 'name': %s", consequence)
	}
	switch {
	case !body.Known:
	case body.Text == "":
		a.p.Errorf(a.f.At(m.Key("template")), ruleTemplateBody, "write template", "a template needs 'template': %s", consequence)
	default:
		a.templateSyntax(m, t.name.Text, body.Text, consequence)
	}
	return t
}

var definesTemplate = lazyregexp.New(`\{\{\s*define`)

var (
	// templateLine matches the beginning of every message of the parser, which has the line.
	templateLine = lazyregexp.New(`^template: template:(\d+)(?::\d+)?: `)
	quotedPart   = lazyregexp.New("\"[^\"]*\"|<[^>]*>|`[^`]*`")
	plainWord    = lazyregexp.New(`^["<]?[\w.$]{1,30}[">]?$`)
)

// templateSyntax parses the body as Grafana does, which wraps a body without a define in one.
func (a *reader) templateSyntax(m *provisioning.Map, name, body, consequence string) {
	content := strings.TrimSpace(body)
	wrapped := !definesTemplate().MatchString(content)
	if wrapped {
		content = "{{ define \"" + name + "\" }}\n  " + strings.ReplaceAll(content, "\n", "\n  ") + "\n{{ end }}"
	}
	_, err := parse.Parse("template", content, "", "", templateFuncs)
	n := m.Get("template")
	at := a.f.At(n)
	if err != nil {
		if found := templateLine().FindStringSubmatch(err.Error()); found != nil {
			if line, err := strconv.Atoi(found[1]); err == nil && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
				if wrapped {
					line--
				}
				at.Line, at.Column = at.Line+max(line, 1), 1
			}
		}
		a.p.Errorf(at, ruleTemplateSyntax, "", "the template cannot be parsed: %s: %s", validation.Cut(plainTemplateError(err)), consequence)
		return
	}
	if a.p.Version.Before(validation.V11) {
		old := map[string]any{}
		for f := range templateFuncs {
			if !slices.Contains(newTemplateFuncs, f) {
				old[f] = true
			}
		}
		if _, err := parse.Parse("template", content, "", "", old); err != nil {
			a.p.Warnf(at, ruleTemplateSyntax, "", "the template uses a function that older versions of Grafana may not have: those refuse it")
		}
	}
}

// plainTemplateError is what the parser says without the place; what it quotes is the user's text, and only words are shown.
func plainTemplateError(err error) string {
	message := err.Error()
	message = message[len(templateLine().FindString(message)):]
	return quotedPart().ReplaceAllStringFunc(message, func(s string) string {
		if plainWord().MatchString(s) {
			return s
		}
		return "..."
	})
}

// newTemplateFuncs came with Grafana 11.
var newTemplateFuncs = []string{"coll", "data", "tmpl", "time", "date", "tz", "tenantID", "grafanaExploreURL", "queryFromGeneratorURL", "trimSpace"}

// templateFuncs are the functions that a template may call.
var templateFuncs = func() map[string]any {
	out := map[string]any{}
	for _, f := range []string{
		// Go templates
		"and", "call", "html", "index", "slice", "js", "len", "not", "or", "print", "printf", "println", "urlquery", "eq", "ge", "gt", "le", "lt", "ne",
		// Alertmanager
		"toUpper", "toLower", "title", "join", "match", "safeHtml", "reReplaceAll", "stringSlice", "trimSpace", "date", "tz",
		// Grafana
		"coll", "data", "tmpl", "time", "tenantID", "grafanaExploreURL", "queryFromGeneratorURL",
	} {
		out[f] = true
	}
	return out
}()

package judge

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
	"reloader/internal/lazyregexp"
	"reloader/internal/prometheus/validator"
)

// problem is one mistake in a file or a part of it, before it becomes a finding.
type problem struct {
	line, column int
	severity     finding.Severity
	rule         string
	message      string
	hint         string
	// open says that the search for mistakes stopped here.
	open bool
	// needles are the wrong key or value, to search for when the line is unknown.
	needles []string
	// last says that of several places the last one is meant (a duplicate), and first is the line of the first of them.
	last  bool
	first int
	// under is the key whose value is meant by needles; empty for any.
	under string
	// field says that the first of needles is a label or an annotation.
	field bool
	// nameless says that it is about a job without a name.
	nameless bool
	// regexp says that the value is a regular expression, of which the library may quote only a part.
	regexp bool
	// tag is the YAML tag of the wrong value, unknown the name of an unknown field.
	tag, unknown string
	// grammar says that a newer PromQL may accept the expression.
	grammar bool
	// unsure says that the running server decides whether query is valid.
	unsure bool
	// group and number identify the wrong rule; query and offset, the place in its expression.
	group, query string
	// anchor is the name of a missing anchor. It is searched for, but never shown.
	anchor         string
	number, offset int
	// unnamed says that the problem is a group without a name.
	unnamed bool
}

// problemAt is a problem at a node.
func problemAt(n *yaml.Node, s finding.Severity, rule, message, hint string) problem {
	return problem{line: n.Line, column: n.Column, severity: s, rule: rule, message: message, hint: hint}
}

func (p problem) blocks() bool { return p.severity == finding.Error }

// names are the rule names under which YAML mistakes in a kind of file are reported.
type names struct {
	yaml, unknown, duplicate, wrongType, duration, value string
}

var (
	configNames = names{
		validator.RuleYAML, validator.RuleUnknownField, validator.RuleDuplicateKey, validator.RuleWrongType,
		validator.RuleDuration, validator.RuleValue,
	}
	ruleNames = names{
		validator.RuleRulesYAML, validator.RuleRulesUnknown, validator.RuleRulesDuplicate, validator.RuleRulesWrongType,
		validator.RuleRulesDuration, validator.RuleRulesValue,
	}
)

var (
	reSyntax    = lazyregexp.New(`^yaml: (?:line (\d+): )?(.*)$`)
	reLine      = lazyregexp.New(`^line (\d+): (.*)$`)
	reUnmarshal = lazyregexp.New("^cannot unmarshal (!!?[^ ]+)(?: `(?s:.*)`)? into (.+)$")
	reUnknown   = lazyregexp.New(`^field (.+) not found in type (.+)$`)
	reAlready   = lazyregexp.New(`^(?:field (.+) already set in type .+|key (.+) already set in map|mapping key (.+) already defined at line \d+)$`)
	reAnchor    = lazyregexp.New(`^unknown anchor '(.*)' referenced$`)
	reQuoted    = lazyregexp.New(`"((?:[^"\\]|\\.)*)"`)
	reRegexp    = lazyregexp.New("error parsing regexp: (.*): `(?s:(.*))`$")
	reVariable  = lazyregexp.New(`"\$(\{[A-Z][A-Z0-9_]*\}|\([A-Z][A-Z0-9_]*\)|[A-Z][A-Z0-9_]*)"`)
	reDuration  = lazyregexp.New(`not a valid duration string|unknown unit .* in duration|duration out of range|empty duration string`)
	reQuery     = lazyregexp.New(`\?(?:[^"\\]|\\.)*"`)
	reDupJob    = lazyregexp.New(`found multiple (scrape|remote write|remote read) configs with job name "(.*)"`)
)

// problems turns an error of the library into problems. It never keeps the value that a type error quotes: a value in
// the wrong place may be a password.
func problems(err error, n names) []problem {
	var (
		t2 *yaml2.TypeError
		t3 *yaml.TypeError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &t2):
		return typeProblems(t2.Errors, n)
	case errors.As(err, &t3):
		return typeProblems(t3.Errors, n)
	}
	msg := err.Error()
	if m := reSyntax().FindStringSubmatch(msg); m != nil {
		return []problem{syntaxProblem(m[1], m[2], n)}
	}
	return []problem{valueProblem(msg, n)}
}

// notListed ends the last problem of a list that was cut.
const notListed = " are not listed"

func typeProblems(msgs []string, n names) []problem {
	var ps []problem
	for i, msg := range msgs {
		if i == maxProblems { // each costs a search of the whole file, and no one reads so many
			return append(ps, problem{severity: finding.Error, rule: n.value, line: ps[i-1].line, open: true,
				message: fmt.Sprintf("%d more errors in fields and types", len(msgs)-i) + notListed})
		}
		p := problem{severity: finding.Error, rule: n.wrongType, message: "the value has the wrong type"}
		if m := reLine().FindStringSubmatch(msg); m != nil {
			p.line, _ = strconv.Atoi(m[1])
			msg = m[2]
		}
		if m := reUnmarshal().FindStringSubmatch(msg); m != nil {
			p.message, p.tag = typeMessage(wanted(m[2]), got(m[1])), m[1]
			p.hint = typeHints[p.message]
		} else if m := reUnknown().FindStringSubmatch(msg); m != nil {
			p.rule, p.message = n.unknown, fmt.Sprintf("unknown field %q", m[1])
			p.needles, p.unknown = []string{m[1]}, m[1]
		} else if m := reAlready().FindStringSubmatch(msg); m != nil {
			key := unquote(m[1] + m[2] + m[3])
			p.rule, p.message = n.duplicate, fmt.Sprintf("key %q is already set", key)
			p.hint = "keep one of the two; YAML mappings hold each key once"
			p.needles, p.last = []string{key}, true
		}
		ps = append(ps, p)
	}
	return ps
}

func syntaxProblem(line, msg string, n names) problem {
	p := problem{severity: finding.Error, rule: n.yaml, message: msg}
	p.line, _ = strconv.Atoi(line)
	switch anchor := reAnchor().FindStringSubmatch(msg); {
	case anchor != nil:
		p.anchor = anchor[1]
		// The name of the anchor may be a password that begins with *.
		p.message = "an alias names an anchor that does not exist"
		p.hint = "quote values that begin with * or &"
	case strings.Contains(msg, "mapping values are not allowed"):
		p.hint = "check the indentation, and quote a value that contains \": \""
	case strings.Contains(msg, "did not find expected"), strings.Contains(msg, "could not find expected ':'"):
		p.hint = "check the indentation, quotes and brackets on this line and the lines around it"
	case strings.Contains(msg, "found character that cannot start any token"):
		p.hint = "quote values that begin with @, ` or %, and indent with spaces, not tabs"
	case strings.Contains(msg, "excessive aliasing"):
		p.message = "document contains excessive aliasing"
	}
	return p
}

func valueProblem(msg string, n names) problem {
	p := problem{severity: finding.Error, rule: n.value, message: msg}
	for _, m := range reQuoted().FindAllStringSubmatch(msg, 4) {
		p.needles = append(p.needles, unquote(`"`+m[1]+`"`))
	}
	if m := reRegexp().FindStringSubmatch(msg); m != nil {
		expr := strings.TrimSuffix(strings.TrimPrefix(m[2], "^(?s:"), ")$")
		p.rule, p.message = validator.RuleRegexp, fmt.Sprintf("bad regular expression %q: %s", expr, m[1])
		p.hint = "use RE2 syntax; the expression is anchored at both ends automatically"
		p.needles, p.regexp = []string{expr}, true
	} else if reDuration().MatchString(msg) {
		p.rule = n.duration
		p.hint = "write a number and a unit: 500ms, 30s, 5m, 1h30m, 1d, 2w, 1y"
	} else if m := reDupJob().FindStringSubmatch(msg); m != nil {
		p.rule, p.last = validator.RuleDuplicateJob, true
		p.message = fmt.Sprintf("%s %q appears twice", map[string]string{
			"scrape": "scrape job", "remote write": "remote_write", "remote read": "remote_read",
		}[m[1]], m[2])
		p.hint = "give each its own name"
		p.needles, p.under = []string{m[2]}, "name"
		if m[1] == "scrape" {
			p.under = "job_name"
		}
	} else if msg == "job_name is empty" {
		p.nameless = true
	} else if strings.Contains(msg, "is not a valid hostname") {
		p.rule, p.message = validator.RuleTarget, reQuery().ReplaceAllString(msg, `?..."`) // there may be a token in it
	} else if strings.Contains(msg, "scrape timeout greater than scrape interval") {
		p.needles = append([]string{"scrape_timeout", "scrape_interval"}, p.needles...)
	}
	if reVariable().MatchString(msg) {
		p.hint = "Prometheus expands environment variables only in external_labels: write the value, or let reloader expand it (expand_env)"
	}
	if strings.Contains(msg, `"{{`) {
		p.hint = "this is an unrendered template: render it first (helm template, for example)"
	}
	p.hint = cmp.Or(p.hint, hintFor(msg))
	return p
}

// hints are fixes for errors of the library, by a part of their text.
var hints = []struct{ part, hint string }{
	{"is not a valid hostname", "a target is host:port; scheme and path have their own fields (scheme, metrics_path)"},
	{"unknown relabel action", "actions: replace, lowercase, uppercase, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep"},
	{"scrape timeout greater than scrape interval", "lower scrape_timeout, or raise scrape_interval"},
	{"invalid rule file path", "only the last part of the path may contain a *"},
	{"invalid scrape config file path", "only the last part of the path may contain a *"},
	{"is not valid for file discovery", "the name must end in .json, .yml or .yaml, and only its last part may contain a *"},
	{"unknown Kubernetes SD role", "roles: node, pod, service, endpoints, endpointslice, ingress"},
	{"expected Alertmanager api version", "Prometheus 3.0 and later support only v2, which Alertmanager has since 0.16: write v2, or remove the line"},
	{"got range vector", "wrap the range in a function such as rate(x[5m]) or max_over_time(x[5m]), or remove the range"},
	{"expected type range vector", "write a range after the selector: x[5m]"},
	{"expected type scalar in call to function \"histogram_quantile\"", "the quantile comes first: histogram_quantile(0.9, ...)"},
	{"PromQL: unexpected \"=\"", "to compare, write =="},
	{"must contain only scalar and instant vector types", "wrap a range in a function such as rate(x[5m]) or max_over_time(x[5m]), or remove the range"},
	{"in grouping opts, expected \"(\"", "write the labels in parentheses: by (a, b)"},
	{": '$'", "Grafana fills in variables such as $__rate_interval, Prometheus does not: write the value, such as 5m"},
	{"unexpected character: '&'", "write and"},
	{"unexpected character: '|'", "write or"},
	{"ranges only allowed for vector selectors", "for an expression write a subquery: (...)[5m:1m]"},
	{"job_name is empty", "give the job a job_name"},
	{"requires 'target_label' value", "add target_label"},
	{"'replacement' for labelmap action", "replacement is the label's new name, with $1 for what the regex matched: write it, or remove the line"},
	{"requires non-zero modulus", "add modulus"},
	{"empty or null", "remove the empty entry, or fill it"},
	{"unknown scrape protocol", "names are case-sensitive"},
	{"bearer_token & bearer_token_file", "keep one of the two"},
	{"at most one of", "keep one of them"},
}

func hintFor(msg string) string {
	for _, h := range hints {
		if strings.Contains(msg, h.part) {
			return h.hint
		}
	}
	return ""
}

func unquote(s string) string {
	if u, err := strconv.Unquote(s); err == nil {
		return u
	}
	return strings.Trim(s, `"`)
}

// wanted names the kind of YAML value that a Go type is written as.
func wanted(goType string) string {
	switch t := strings.TrimLeft(goType, "*"); {
	case strings.HasPrefix(t, "[]"), strings.HasSuffix(t, "Configs"), strings.HasSuffix(t, "LabelNames"), listTypes()[t]:
		return "a list"
	case strings.HasPrefix(t, "map["), strings.HasSuffix(t, "LabelSet"), strings.HasSuffix(t, "Values"), strings.HasSuffix(t, "Labels"):
		return "a mapping"
	case strings.HasPrefix(t, "uint"), strings.HasPrefix(t, "int"):
		return "a whole number"
	case strings.HasPrefix(t, "float"):
		return "a number"
	case t == "bool":
		return "true or false"
	case t == "string", strings.HasSuffix(t, "Secret"), strings.HasSuffix(t, "LabelName"), strings.HasSuffix(t, "LabelValue"):
		return "a string"
	case strings.HasSuffix(t, ".plain"):
		return "" // the library's name for any type that it reads in two steps
	default:
		return "a mapping"
	}
}

func typeMessage(want, is string) string {
	if want == "" || want == is {
		return is + " is not what belongs here"
	}
	return "want " + want + ", got " + is
}

// typeHints are the likely fixes, by message.
var typeHints = map[string]string{
	typeMessage("a list", "a mapping"):        `write a dash before the first key of each entry: "- "`,
	typeMessage("a list", "a string"):         "write the value in brackets: [...]",
	typeMessage("a list", "a number"):         "write the value in brackets: [...]",
	typeMessage("a list", "true or false"):    "write the value in brackets: [...]",
	typeMessage("a mapping", "a list"):        "write its keys without the dash",
	typeMessage("a string", "a mapping"):      `write a plain string; quote it if it contains ": "`,
	typeMessage("a whole number", "a string"): "write the number alone, without quotes or a unit",
}

// got names the kind of value of a YAML tag.
func got(tag string) string {
	switch tag {
	case "!!str":
		return "a string"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!seq":
		return "a list"
	case "!!map":
		return "a mapping"
	case "!!null":
		return "nothing"
	default:
		return "a value of another type"
	}
}

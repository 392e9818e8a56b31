package alerting

import (
	"regexp"
	"slices"
	"strings"

	"reloader/internal/lazyregexp"
)

var matchOperators = []string{"=", "!=", "=~", "!~"}

func (r *route) matchers(root bool) {
	some := r.objectMatchers()
	some = r.matchTexts() || some
	for _, key := range []string{"match", "match_re"} {
		m := get(r.values, key)
		if m == nil {
			continue
		}
		some = true
		if !isMapOf(m, isText) {
			form := map[string]string{"match": "write {label: value}", "match_re": "write {label: regexp}"}[key]
			r.broken(key, rulePolicyMatcher, form, "'%s' must be a map of strings", key)
			continue
		}
		for _, v := range m.(map[string]any) {
			if s, ok := v.(string); ok && key == "match_re" && !goodRegexp(s) {
				r.broken(key, rulePolicyMatcher, "", "'match_re' has an invalid regular expression")
			}
		}
	}
	if !some && !root {
		r.a.p.Warnf(r.a.f.At(r.node), rulePolicyContinue, "write object_matchers", "this route matches every alert")
	}
}

func goodRegexp(s string) bool {
	_, err := regexp.Compile("^(?:" + s + ")$")
	return err == nil
}

func (r *route) objectMatchers() bool {
	const form = `write them as [[label, "=", value]]`
	v := get(r.values, "object_matchers")
	if v == nil {
		return false
	}
	if !isListOf(v, func(item any) bool { return item == nil || isListOf(item, isText) }) {
		r.broken("object_matchers", rulePolicyMatcher, form, "'object_matchers' must be a list of lists of three strings")
		return true
	}
	for _, item := range v.([]any) {
		parts, _ := item.([]any)
		at := func(i int) (string, bool) {
			if i >= len(parts) || parts[i] == nil {
				return "", true
			}
			s, ok := parts[i].(string)
			return s, ok
		}
		op, known := at(1)
		value, valueKnown := at(2)
		switch {
		case known && !slices.Contains(matchOperators, op):
			r.broken("object_matchers", rulePolicyMatcher, form, "a matcher has no operator (=, !=, =~, !~) in second place")
		case valueKnown && (op == "=~" || op == "!~") && !goodRegexp(strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`)):
			r.broken("object_matchers", rulePolicyMatcher, "", "a matcher's value is not a valid regular expression")
		case len(parts) != 3:
			r.a.p.Warnf(r.at("object_matchers"), rulePolicyMatcher, form, "a matcher has %d parts instead of 3: Grafana reads a missing one as an empty string", len(parts))
		}
	}
	return len(v.([]any)) > 0
}

// matcherText is one matcher of the list form: a label or quoted text, an operator, a value.
var matcherText = lazyregexp.New(`(?s)^\s*([a-zA-Z_:][a-zA-Z0-9_:]*|"(?:[^"\\]|\\.)*"|[^\s=!~{},"'` + "`" + `\\]+)\s*(=~|=|!=|!~)\s*("(?:[^"\\]|\\.)*"|[^"]*?)\s*$`)

func (r *route) matchTexts() bool {
	for _, s := range r.texts("matchers") {
		s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "{"), "}")
		for _, part := range splitMatchers(s) {
			m := matcherText().FindStringSubmatch(part)
			switch {
			case m == nil:
				r.broken("matchers", rulePolicyMatcher, `write label="value"`, "'matchers' has an item that is not a matcher")
			case strings.HasSuffix(m[2], "~") && !goodRegexp(strings.Trim(m[3], `"`)):
				r.broken("matchers", rulePolicyMatcher, "", "a matcher's value is not a valid regular expression")
			}
		}
	}
	list, _ := get(r.values, "matchers").([]any) // unknown ones included
	return len(list) > 0
}

// splitMatchers splits at commas outside quotes.
func splitMatchers(s string) []string {
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ',':
			if !quoted {
				out = append(out, s[start:i])
				start = i + 1
			}
		}
	}
	if strings.TrimSpace(s[start:]) != "" {
		out = append(out, s[start:])
	}
	return out
}

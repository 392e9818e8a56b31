package inject

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What inject writes is made of obj, list, string, int, bool and raw, and keeps its order.
type (
	obj   []field
	field struct {
		key   string
		value any
	}
	list []any
	// raw is a plain scalar copied from the manifest: a number, a boolean, null.
	raw string
)

// Words that some YAML reader takes for something else than text.
var (
	plain    = regexp.MustCompile(`^(--?[A-Za-z]|[A-Za-z/])[A-Za-z0-9/_.=:@%+-]*$`)
	quantity = regexp.MustCompile(`^[0-9.]+[A-Za-z]+$`)
	reserved = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|inf|nan)$`)
)

func scalarText(v any, flow bool) string {
	switch v := v.(type) {
	case string:
		if !flow && plain.MatchString(v) && !reserved.MatchString(v) && !strings.HasSuffix(v, ":") {
			return v
		}
		return quote(v)
	case raw:
		return string(v)
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}

// quote writes a JSON string, which every YAML reader takes as it is.
func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// flow renders a value on one line.
func flow(v any) string {
	switch v := v.(type) {
	case obj:
		parts := make([]string, len(v))
		for i, f := range v {
			parts[i] = quote(f.key) + ": " + flow(f.value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case list:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = flow(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if r, ok := v.(raw); ok && quantity.MatchString(string(r)) {
		return quote(string(r)) // JSON has no plain text
	}
	return scalarText(v, true)
}

// block renders a value as lines without indentation; dash is how far a list's dashes are
// indented below their key, as the manifest does it.
func block(v any, dash int) []string {
	var lines []string
	switch v := v.(type) {
	case obj:
		for _, f := range v {
			lines = append(lines, blockField(f, dash)...)
		}
	case list:
		for _, e := range v {
			lines = append(lines, blockItem(e, dash)...)
		}
	default:
		lines = []string{scalarText(v, false)}
	}
	return lines
}

func blockField(f field, dash int) []string {
	key := scalarText(f.key, false) + ":"
	switch v := f.value.(type) {
	case obj:
		if len(v) == 0 {
			return []string{key + " {}"}
		}
		return append([]string{key}, indented(block(v, dash), 2)...)
	case list:
		if len(v) == 0 {
			return []string{key + " []"}
		}
		return append([]string{key}, indented(block(v, dash), dash)...)
	}
	return []string{key + " " + scalarText(f.value, false)}
}

func blockItem(v any, dash int) []string {
	lines := indented(block(v, dash), 2)
	if len(lines) == 0 {
		return []string{"- " + flow(v)}
	}
	lines[0] = "- " + lines[0][2:]
	return lines
}

func indented(lines []string, by int) []string {
	pad := strings.Repeat(" ", by)
	for i, l := range lines {
		lines[i] = pad + l
	}
	return lines
}

// copyLimit bounds what valueOf copies: aliases may repeat, or hold themselves.
const copyLimit = 1000

// valueOf copies a part of the manifest, aliases resolved.
func valueOf(c cursor) any {
	left := copyLimit
	return c.value(&left)
}

func (c cursor) value(left *int) any {
	if *left--; !c.ok() || *left < 0 {
		return raw("null")
	}
	switch {
	case c.n.Kind == yaml.MappingNode:
		o := obj{}
		for i := 0; i+1 < len(c.n.Content) && *left > 0; i += 2 {
			o = append(o, field{c.n.Content[i].Value, c.child(c.n.Content[i], c.n.Content[i+1]).value(left)})
		}
		return o
	case c.n.Kind == yaml.SequenceNode:
		l := list{}
		for i := 0; i < len(c.n.Content) && *left > 0; i++ {
			l = append(l, c.child(nil, c.n.Content[i]).value(left))
		}
		return l
	case c.n.ShortTag() == "!!str" || c.n.Style != 0:
		return c.n.Value
	}
	return raw(c.n.Value)
}

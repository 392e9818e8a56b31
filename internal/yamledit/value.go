package yamledit

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/lazyregexp"
)

// A value to write is a Map, List, string, int, bool or Raw. Maps keep their order.
type (
	// Map is a mapping.
	Map []Pair
	// Pair is a key, which is a string, and its value. It is an array to keep literals short.
	Pair [2]any
	// List is a sequence.
	List []any
	// Raw is a plain scalar copied from the document: a number, a boolean, null.
	Raw string
)

// Key is the pair's key.
func (p Pair) Key() string { return p[0].(string) }

// Value is the pair's value.
func (p Pair) Value() any { return p[1] }

// plain matches texts that need no quotes, except reserved: words that some YAML reader does not read as text.
var (
	plain    = lazyregexp.New(`^(--?[A-Za-z]|[A-Za-z/])[A-Za-z0-9/_.=:@%+-]*$`)
	quantity = lazyregexp.New(`^[0-9.]+[A-Za-z]+$`)
	reserved = lazyregexp.New(`(?i)^(y|n|yes|no|on|off|true|false|null|inf|nan)$`)
)

func scalarText(v any, flow bool) string {
	switch v := v.(type) {
	case string:
		if !flow && plain().MatchString(v) && !reserved().MatchString(v) && !strings.HasSuffix(v, ":") {
			return v
		}
		return quote(v)
	case Raw:
		return string(v)
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}

// quote writes a JSON string, which means the same to every YAML reader.
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
	case Map:
		parts := make([]string, len(v))
		for i, f := range v {
			parts[i] = quote(f.Key()) + ": " + flow(f.Value())
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case List:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = flow(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if r, ok := v.(Raw); ok && quantity().MatchString(string(r)) {
		return quote(string(r)) // JSON has no plain text such as 10m
	}
	return scalarText(v, true)
}

// block renders a value as lines without indentation; dash is how far the dashes of a list are indented below its key, as in
// the rest of the manifest.
func block(v any, dash int) []string {
	var lines []string
	switch v := v.(type) {
	case Map:
		for _, f := range v {
			lines = append(lines, blockField(f, dash)...)
		}
	case List:
		for _, e := range v {
			lines = append(lines, blockItem(e, dash)...)
		}
	default:
		lines = []string{scalarText(v, false)}
	}
	return lines
}

func blockField(f Pair, dash int) []string {
	key := scalarText(f.Key(), false) + ":"
	switch v := f.Value().(type) {
	case Map:
		if len(v) == 0 {
			return []string{key + " {}"}
		}
		return append([]string{key}, indented(block(v, dash), 2)...)
	case List:
		if len(v) == 0 {
			return []string{key + " []"}
		}
		return append([]string{key}, indented(block(v, dash), dash)...)
	}
	return []string{key + " " + scalarText(f.Value(), false)}
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

// copyLimit is how many nodes ValueOf copies at most: aliases can repeat a node many times, or contain themselves.
const copyLimit = 1000

// ValueOf copies a part of the document, with aliases resolved.
func ValueOf(c Cursor) any {
	left := copyLimit
	return c.value(&left)
}

func (c Cursor) value(left *int) any {
	if *left--; !c.OK() || *left < 0 {
		return Raw("null")
	}
	switch {
	case c.Node.Kind == yaml.MappingNode:
		o := Map{}
		for i := 0; i+1 < len(c.Node.Content) && *left > 0; i += 2 {
			o = append(o, Pair{c.Node.Content[i].Value, c.Child(c.Node.Content[i], c.Node.Content[i+1]).value(left)})
		}
		return o
	case c.Node.Kind == yaml.SequenceNode:
		l := List{}
		for i := 0; i < len(c.Node.Content) && *left > 0; i++ {
			l = append(l, c.Child(nil, c.Node.Content[i]).value(left))
		}
		return l
	case c.Node.ShortTag() == "!!str" || c.Node.Style != 0:
		return c.Node.Value
	}
	return Raw(c.Node.Value)
}

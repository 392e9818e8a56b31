package yamlslip

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"reloader/test/rig"
)

// For any file, the place of the mistake is within the file. How near it is to the mistake is measured in the judge package.
func FuzzLocate(f *testing.F) {
	for _, s := range []string{"a: 'b\nc: d\n", "a: [b\nc: d\n", "a: {{ b }}\n", "a:\n\tb: c\n", "a:\u00a0b\n", "\xff", "a: 'it's'\n", "- a\n  b: c\n"} {
		f.Add([]byte(s), uint16(1))
	}
	f.Fuzz(func(t *testing.T, content []byte, n uint16) {
		line := int(n) % 1000 // 0: the parser gave none
		p := Problem{Line: line, Column: 1, Message: "did not find expected key"}
		Locate(content, &p)
		// The parser also counts what ends a line in YAML alone.
		breaks := strings.Count(string(content), "\n") + strings.Count(string(content), "\r") +
			strings.Count(string(content), "\u0085") + strings.Count(string(content), "\u2028") + strings.Count(string(content), "\u2029")
		if utf8.Valid(content) && p.Line > line && p.Line > breaks+1 {
			t.Errorf("line %d", p.Line)
		}
		Scan(content).Reinterpret(&p)
	})
}

// The time grows with the length of a text or a collection, not with its square.
func TestScanIsLinear(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	for _, body := range []string{
		"a: '" + strings.Repeat("x\n", 500_000) + "'\n", "a: [\n" + strings.Repeat("\n", 500_000) + "]\n", "a: [\n" + strings.Repeat("#\n", 500_000) + "]\n",
		"a: '" + strings.Repeat("x\n", 500_000), "a: [" + strings.Repeat("x,\n", 300_000),
	} {
		if lines := Scan([]byte(body)).lines; len(lines) < 300_000 {
			t.Errorf("%d lines", len(lines))
		}
	}
}

// No quote or bracket counts as open in valid YAML.
func TestGoodFilesHaveNothingOpen(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"a: 'b\n  c'\nd: e\n", "a: [b,\n  c]\nd: {e: f}\n", "a: |\n  it's {open\nb: c\n", "a: \"x\\\"y\"\nb: it's\n", "a: 'it''s'\n# don't\nb: c\n",
	} {
		var v any
		if err := yaml.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		if open := Scan([]byte(body)).opens; len(open) > 0 {
			t.Errorf("%q: %+v", body, open)
		}
	}
}

// If a line is indented less than the block text around it, that line is reported. A parser stops there or later and says only
// "did not find expected key".
func TestLineThatEndsABlockText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body string
		line int
	}{
		{"data:\n  a: |\n    x: 1\n   y: 2\n    z: 3\n", 4},
		{"data:\n  a: >-\n\n    text\n   more\n", 5},
		{"data:\n  a: |\n    x: 1\n  y: 2\n    z: 3\n    w: 3\n", 4},
		{"data:\n  a: |\n    x: 1\ny:\n    - z\n    - v\n    u:\n    - w\n", 4},
		{"data:\n- a: |\n     x\n    y\n  b: |\n    z\n", 4},
	} {
		err := yaml.Unmarshal([]byte(c.body), new(any))
		if err == nil {
			t.Fatalf("%q is YAML", c.body)
		}
		p := Problem{Line: 1, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
		if Locate([]byte(c.body), &p); p.Line != c.line || !strings.Contains(p.Message, "ends the block text") {
			t.Errorf("%q: line %d: %s", c.body, p.Line, p.Message)
		}
	}
	for _, body := range []string{"a: |2\n    x\n   y\n", "a: |\n  x\n\n   y\n  z\nb: 1\n", "a: |\n  x\n# c\nb: |\n      y\n", "a:\n- |\n x\n- b\n"} {
		if err := yaml.Unmarshal([]byte(body), new(any)); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if s := Scan([]byte(body)); len(s.shorts) > 0 {
			t.Errorf("%q: %+v", body, s.shorts)
		}
	}
}

// A template in a value is recognized: a Helm template that was not rendered, a value that begins with braces and is not quoted, or
// braces after a second colon.
func TestTemplatesInValues(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Problem{
		"a:\n  s: Disk full: {{ $labels.x }}\n":       {Line: 2, Column: 15, Message: messageTwoColons, Hint: hintQuoteValue},
		"a:\n  s: {{ $labels.x }} is full\n":          {Line: 2, Column: 6, Message: `the value begins with "{{" and is not quoted`},
		"a:\n  s: {{ .Values.x }}s\n":                 {Line: 2, Column: 6, Message: "this is an unrendered template"},
		"a:\n  s: [{{ range .Values.x }}\"{{.}}\"]\n": {Line: 2, Column: 7, Message: "this is an unrendered template"},
		"a:\n  {{- toYaml .Values.x | nindent 2 }}\n": {Line: 2, Column: 3, Message: "this is an unrendered template"},
	} {
		err := yaml.Unmarshal([]byte(body), new(any))
		if err == nil {
			t.Fatalf("%q is YAML", body)
		}
		line, message, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: line "), ": ")
		n, _ := strconv.Atoi(line)
		got := Problem{Line: n, Message: message}
		if Locate([]byte(body), &got); got.Line != want.Line || got.Column != want.Column || got.Message != want.Message || want.Hint != "" && got.Hint != want.Hint {
			t.Errorf("%q: %+v", body, got)
		}
	}
}

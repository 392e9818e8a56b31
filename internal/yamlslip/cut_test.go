package yamlslip

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// mistakes are files that are not YAML, with the line to edit.
var mistakes = map[string]int{
	"data:\n  a: |\n    x: 1\n   y: 2\n    z: 3\n":                     4,
	"data:\n- a: |\n     x\n    y\n  b: |\n    z\n":                    4,
	"a: 1\nb:\n  s: Disk full: {{ $labels.x }}\n":                      3,
	"a:\n  b: 'c\n  d: e\nf: g\n":                                      2,
	"a:\n  b: [c,\nd: e\nf: g\n":                                       2,
	"a: 1\nb: 2\n\n<<<<<<< HEAD\nc: 3\n=======\nc: 4\n>>>>>>> other\n": 4,
	"a:\n  b: 1\n c: 2\nd: 3\n":                                        3,
	"a:\n  b c\n  d: e\n":                                              3,
}

// A mistake is found at the same place and described in the same words, whichever characters end the lines. Below a text with other
// line breaks, it is found on the line that the parser counts.
func TestMistakesBelowAnyLineBreak(t *testing.T) {
	t.Parallel()
	locate := func(body string) Problem {
		t.Helper()
		err := yaml.Unmarshal([]byte(body), new(any))
		if err == nil {
			t.Fatalf("%q is YAML", body)
		}
		p := Problem{Line: 1, Column: 1}
		_, _ = fmt.Sscanf(err.Error(), "yaml: line %d: ", &p.Line)
		_, p.Message, _ = strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), ": ")
		Locate([]byte(body), &p)
		return p
	}
	for body, line := range mistakes {
		want := locate(body)
		if want.Line != line {
			t.Errorf("%q: line %d, want %d: %s", body, want.Line, line, want.Message)
		}
		for _, end := range []string{"\r\n", "\r"} {
			if got := locate(strings.ReplaceAll(body, "\n", end)); got != want {
				t.Errorf("%q with %q: %+v, want %+v", body, end, got, want)
			}
		}
		for _, end := range []string{"\n", "\r\n", "\r", "\u0085", "\u2028", "\u2029"} {
			if got := locate("first: \"x" + strings.Repeat(end, 3) + "y\"\n" + body); got.Line != line+4 {
				t.Errorf("%q below three %q: line %d, want %d: %s", body, end, got.Line, line+4, got.Message)
			}
		}
	}
}

// Lines keeps all bytes, and counts like a parser of YAML.
func FuzzLines(f *testing.F) {
	for _, s := range []string{"", "\n", "a\r", "a\r\n\rb\u0085c\u2028\u2029", "\xe2\x80", "\xc2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file string) {
		lines := Lines(file)
		if strings.Join(lines, "") != file {
			t.Fatalf("%q", lines)
		}
		for i, l := range lines {
			if size, ends := lineSize(l); size != len(l) || ends != (i < len(lines)-1) {
				t.Errorf("line %d of %q: %q", i, file, l)
			}
		}
		// The oracle is the parser: its line of a key that follows the file, with all other characters replaced.
		text := strings.Map(func(r rune) rune {
			if strings.ContainsRune("\n\r\u0085\u2028\u2029", r) {
				return r
			}
			return 'x'
		}, strings.ToValidUTF8(file, "x"))
		var n yaml.Node
		if err := yaml.Unmarshal([]byte("a: \""+text+"\"\nb: 1\n"), &n); err != nil {
			t.Fatal(err)
		}
		if got, want := n.Content[0].Content[2].Line, len(Lines(text))+1; got != want {
			t.Errorf("%q: %d lines, the parser has %d", text, want, got)
		}
	})
}

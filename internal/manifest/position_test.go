package manifest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// positionsHold compares, for every character of every scalar, the source at the place that Position names.
func positionsHold(t *testing.T, src string) (exact int) {
	t.Helper()
	var doc yaml.Node
	if yaml.Unmarshal([]byte(src), &doc) != nil {
		return 0
	}
	lines := newSourceLines([]byte(src))
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for _, c := range n.Content {
			visit(c)
		}
		if n.Kind != yaml.ScalarNode {
			return
		}
		p := lines.locate(n)
		for i, text := range strings.Split(n.Value, "\n") {
			column := 0
			for _, want := range text {
				column++
				l, c, ok := p.At(i+1, column)
				if !ok || want == ' ' { // a folded break is a blank that stands nowhere
					continue
				}
				source, _ := lines.line(l)
				runes := []rune(source)
				if c < 1 || c > len(runes) {
					t.Fatalf("%q, line %d column %d is at %d:%d, outside of\n%s", n.Value, i+1, column, l, c, src)
				}
				exact++
				if got := runes[c-1]; got != want && got != '\\' {
					t.Fatalf("%q, line %d column %d (%q) is at %d:%d, which is %q in\n%s", n.Value, i+1, column, want, l, c, got, src)
				}
			}
		}
	}
	visit(&doc)
	return exact
}

var positionSeeds = []string{
	"a: |\n  x\n\n   y: z\n  b\n", "a: |2-\n\n    x\n  y\n", "a: >\n  one\n  two\n\n  three\n    four\n\n\n  five\n", "a: >-\n\n  x\n  y\n",
	"a: 'it''s\n  folded\n\n  text'\n", "a: \"x\\n\\ty\\u00e9 \\\"q\\\" \\\n   z\n  w\"\n", "{\"a\": \"b\\nc: d\\n\"}", "- a plain\n  text\n- größe: |\n    日本\n    語 x\n",
	"a: |\r\n  x\r\n  y\r\n", "a: &x !!str |\n  t\nb: *x\n", "a: |+\n  x\n\n\nb: c\n", "- |\n x\n- >1\n  y\n", "a:\n- k: |\n    x\n   # no\n",
}

// Each character of a value is found where the manifest has it, whatever the style.
func TestPosition(t *testing.T) {
	t.Parallel()
	for _, src := range positionSeeds {
		if positionsHold(t, src) == 0 {
			t.Errorf("no position is exact in %q", src)
		}
	}
}

// FuzzPosition: what is called exact is, for any text that is YAML.
func FuzzPosition(f *testing.F) {
	for _, src := range positionSeeds {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if utf8.ValidString(src) && !strings.ContainsAny(src, "\u0085\u2028\u2029\r\x00") {
			positionsHold(t, src)
		}
	})
}

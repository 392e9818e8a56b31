package manifest

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"reloader/internal/yamledit"
)

// positionsHold requires that the source has every character of every scalar at the place that Position names, and counts the
// exact places.
func positionsHold(t *testing.T, src string) (exact int) {
	t.Helper()
	var doc yaml.Node
	if yaml.Unmarshal([]byte(src), &doc) != nil {
		return 0
	}
	lines := yamledit.NewLines([]byte(src))
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for _, c := range n.Content {
			visit(c)
		}
		if n.Kind != yaml.ScalarNode {
			return
		}
		p := locate(lines, n)
		for i, text := range strings.Split(n.Value, "\n") {
			column := 0
			for _, want := range text {
				column++
				l, c, ok := p.At(i+1, column)
				if !ok || want == ' ' { // a folded line break is a blank that the source does not have
					continue
				}
				source, _ := lines.Line(l)
				runes := []rune(strings.TrimPrefix(source, "\ufeff")) // a byte order mark is not a column
				if c < 1 || c > len(runes) {
					t.Fatalf("%q, line %d column %d is at %d:%d, outside of\n%.300s", n.Value, i+1, column, l, c, src)
				}
				exact++
				if got := runes[c-1]; got != want && got != '\\' {
					t.Fatalf("%q, line %d column %d (%q) is at %d:%d, which is %q in\n%.300s", n.Value, i+1, column, want, l, c, got, src)
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
	"{\"a\": \"" + strings.Repeat("日 x ", 300) + "\\n\", b: 'c  d'}",
}

// Each character of a value is found where the manifest has it, in every style of YAML.
func TestPosition(t *testing.T) {
	t.Parallel()
	for _, src := range positionSeeds {
		if positionsHold(t, src) == 0 {
			t.Errorf("no position is exact in %q", src)
		}
	}
}

// The parser also reads UTF-16, and then counts lines and columns that are not those of the bytes. Nothing panics, and the place
// is where the parser says that the value begins, not called exact.
func TestPositionInUTF16(t *testing.T) {
	t.Parallel()
	const src = "\xff\xfea\xe4\n\"^0\xd3\xed\xf1\x00:\x00 \x00\xdc\x04\xe4\n\xdc^0\xd3\xed\xf1\x00\xe4\xe4\xe4"
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(src), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Content[0].Content) == 0 {
		t.Fatal("no values")
	}
	for _, n := range doc.Content[0].Content {
		if l, c, exact := locate(yamledit.NewLines([]byte(src)), n).At(1, 1); exact || l != n.Line || c != n.Column {
			t.Errorf("%q at %d:%d: found at %d:%d, exact %v", n.Value, n.Line, n.Column, l, c, exact)
		}
	}
}

// Places are right in a long line too: after other values, letters of several bytes, a byte order mark, and many blanks.
func TestPositionInLongLine(t *testing.T) {
	t.Parallel()
	values := strings.Repeat(`"größe 😀": "a\nb 日本", 'c''d': 'x  y', `, 200)
	for name, src := range map[string]string{
		"object": "{" + values + `"last": 1}`, "byte order mark": "\ufeff{" + values + `"last": 1}`, "second line": "# first\n{" + values + `"last": "x` + strings.Repeat(" ", 2000) + `"}`,
		"blanks behind": "{" + values + `"last": "x` + strings.Repeat(" ", 2000) + "\n  y\"}",
	} {
		if positionsHold(t, src) < 200*len("a b")/2 {
			t.Errorf("%s: no position is exact", name)
		}
	}
}

// BenchmarkPositionOneLine shows that twice as many keys on one line, or blanks in a value, take twice the time.
func BenchmarkPositionOneLine(b *testing.B) {
	for name, text := range map[string]func(n int) string{
		"keys":   func(n int) string { return "{" + strings.Repeat(`"k": "scrape_intervall: 1m\n", `, n) + `"k": ""}` },
		"blanks": func(n int) string { return `{"k": "` + strings.Repeat("          ", n) + `x"}` },
		"spread": func(n int) string { return `{"k": "` + strings.Repeat("x         ", n) + `"}` },
	} {
		for _, n := range []int{10000, 20000, 40000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				var doc yaml.Node
				src := []byte(text(n))
				if err := yaml.Unmarshal(src, &doc); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					lines := yamledit.NewLines(src)
					for _, v := range doc.Content[0].Content {
						if _, _, exact := locate(lines, v).At(1, 8); !exact && v.Value != "" {
							b.Fatal("no position")
						}
					}
				}
			})
		}
	}
}

// In any text that is YAML, each place that is called exact is right.
func FuzzPosition(f *testing.F) {
	for _, src := range positionSeeds {
		f.Add(src)
	}
	f.Add("  >1\n  xx") // an indentation that no other line sets
	f.Fuzz(func(t *testing.T, src string) {
		if utf8.ValidString(src) && !strings.ContainsAny(src, "\u0085\u2028\u2029\r\x00") {
			positionsHold(t, src)
		}
	})
}

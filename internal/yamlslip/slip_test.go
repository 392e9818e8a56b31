package yamlslip

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Whatever the file is, a place within it is named. The distances are measured where files are judged.
func FuzzLocate(f *testing.F) {
	for _, s := range []string{"a: 'b\nc: d\n", "a: [b\nc: d\n", "a: {{ b }}\n", "a:\n\tb: c\n", "a:\u00a0b\n", "\xff", "a: 'it's'\n", "- a\n  b: c\n"} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, content []byte, line int) {
		p := Problem{Line: line % 1000, Column: 1, Message: "did not find expected key"}
		Locate(content, &p)
		if p.Line > line%1000 && p.Line > strings.Count(string(content), "\n")+1 {
			t.Errorf("line %d", p.Line)
		}
		Scan(content).Reinterpret(&p)
	})
}

// Long texts and collections are followed once: a million lines in one quote end.
func TestScanIsLinear(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"a: '" + strings.Repeat("x\n", 500_000) + "'\n", "a: [\n" + strings.Repeat("\n", 500_000) + "]\n", "a: '" + strings.Repeat("x\n", 500_000), "a: [" + strings.Repeat("x,\n", 300_000),
	} {
		if lines := Scan([]byte(body)).lines; len(lines) < 300_000 {
			t.Errorf("%d lines", len(lines))
		}
	}
}

// What is YAML has no open quote or bracket.
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

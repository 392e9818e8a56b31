package inject

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Applied with patch(1), a Diff turns the first text into the second.
func TestDiff(t *testing.T) {
	t.Parallel()
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("needs patch(1)")
	}
	const text = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\n"
	for _, c := range [][2]string{
		{"", "a\n"},
		{"a\n", ""},
		{"a", "b"},
		{"a\n", "a"},
		{"a\na\na\n", "a\na\n"},
		{text, "0\n" + text},
		{text, text + "o"},
		{text, strings.ReplaceAll(text, "c\n", "x\ny\n")},
		{text, strings.NewReplacer("b\n", "", "m\n", "m\nm\n").Replace(text)},
		{"---\n" + text + "---\na\n---\nb\n", "---\n" + text + "x\n---\na\nb\n---\nb\n---\nc\n"},
		{"a\n---\nb\n---\nc\n", "a\n---\nc\n"},
		{strings.Repeat("a\nb\n", 3*1000), strings.Repeat("b\nc\nd\n", 2*1000)},
		{text, strings.NewReplacer("b\n", "", "g\n", "G\n", "n\n", "").Replace(text)},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(file, []byte(c[0]), 0o644); err != nil {
			t.Fatal(err)
		}
		d := Diff("f", []byte(c[0]), "f", []byte(c[1]))
		cmd := exec.CommandContext(t.Context(), patch, "-s", "-p0", "-o", filepath.Join(dir, "out"), file)
		cmd.Stdin = bytes.NewReader(d)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("patch: %v: %s\n%s", err, out, d)
		}
		got, err := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil && c[1] != "" {
			t.Fatal(err)
		}
		if string(got) != c[1] {
			t.Errorf("%q patched with\n%sis %q, want %q", c[0], d, got, c[1])
		}
	}
}

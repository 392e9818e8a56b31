package finding

import (
	"strings"
	"testing"
	"unicode"
)

// hostile are texts that others may choose, such as a file's name or a server's answer.
var hostile = []string{
	"x\n::error file=a.go,line=1::forged", "x\r::stop-commands::t", "::add-mask::x", "  ::error::x", "##[error]x",
	"\x1b[2J\x1b]0;title\x07", "\u009b31m", "a\u2028b\u2029c", "\u202egnp.yml", "\u2066x\u2069", "\u200b::error::x", "tab\tname", "bad\xffbyte",
}

// OneLine leaves no character that begins a line, moves the cursor or changes the order of the text.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		got := OneLine(s)
		if i := strings.IndexFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }); i >= 0 {
			t.Errorf("%q became %q", s, got)
		}
	}
	if got := OneLine("Überwachung: {job=\"日本\"} ≥ 5 🙂"); got != "Überwachung: {job=\"日本\"} ≥ 5 🙂" {
		t.Errorf("plain text became %q", got)
	}
}

// Hostile names and messages add no lines to a report, and in CI no line is a command, except those of
// the GitHub format.
func TestReportsStayInTheirLines(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		f := []Finding{{File: s, Line: 1, Column: 2, Severity: Error, Rule: s, Message: s, Hint: s}}
		var text, github strings.Builder
		if err := WriteText(&text, f, func(string) []byte { return []byte(strings.ReplaceAll(s, "\n", "") + "\nnext") }); err != nil {
			t.Fatal(err)
		}
		if err := WriteGitHub(&github, f); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text.String(), "\n"); n < 2 || n > 4 {
			t.Errorf("%q: %d lines of text: %q", s, n, text.String())
		}
		for line := range strings.Lines(text.String()) {
			if command(strings.TrimSuffix(line, "\n")) || OneLine(strings.TrimSuffix(line, "\n")) != strings.TrimSuffix(line, "\n") {
				t.Errorf("%q: line %q", s, line)
			}
		}
		if g := github.String(); strings.Count(g, "\n") != 1 || strings.Count(g, "::") < 2 || !strings.HasPrefix(g, "::error file=") || strings.ContainsAny(g, "\x1b\r") {
			t.Errorf("%q: %q", s, g)
		}
	}
}

// A text that is written in parts contains no command and no escape sequence either, and keeps its lines.
func TestLines(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	w := Lines(&b)
	for _, p := range []string{"one\n", "  ", "::error::x\n", "\n##[group]\nkey: ::not\n", "\x1b[1mbold\n", "half ", "::line\n"} {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	want := "one\n  > ::error::x\n\n> ##[group]\nkey: ::not\n [1mbold\nhalf ::line\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

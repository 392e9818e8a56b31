package expand

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// asRegexp is how Grafana finds the uses of variables and files.
var asRegexp = regexp.MustCompile(`\$(|__\w+){([^}]+)}`)

// FuzzExpand: Uses finds what the regular expression finds, and Shell gives what os.Expand gives.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{
		"", "$", "$$", "${A}", "$__env{A}", "$__file{/x y}", "${}", "${}}", "$__{x}", "$___{x}", "${A", "$__env{A", "a$b$c", "${a${b}c}", "$1x", "$-", "${*}", "$é", "${A}$__x{${B}}$C",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		uses := Uses(s)
		found := asRegexp.FindAllStringSubmatchIndex(s, -1)
		if len(uses) != len(found) {
			t.Fatalf("%q: %+v, the expression finds %v", s, uses, found)
		}
		for i, m := range found {
			if u := uses[i]; u.Start != m[0] || u.End != m[1] || u.Kind != s[m[2]:m[3]] || u.Arg != s[m[4]:m[5]] {
				t.Errorf("%q: %+v, the expression finds %v", s, u, m)
			}
		}
		name := func(n string) string { return "<" + n + ">" }
		if got, want := Shell(s, name), os.Expand(s, name); got != want {
			t.Errorf("%q: %q, os.Expand gives %q", s, got, want)
		}
	})
}

// A megabyte of variables is replaced in one pass: each is looked up once. Lookups are counted, because time depends on the
// machine.
func TestLinear(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"${a}", "$__file{/x}", "${", "$__a", "$", "$a"} {
		value := strings.Repeat(piece, 1<<20/len(piece))
		asked := 0
		out := Replace(value, func(u Use) (string, bool) { asked++; return "", u.IsVariable() })
		out = Shell(out, func(string) string { asked++; return "" })
		if asked > 2*(1<<20)/len(piece)+2 || len(out) > len(value) {
			t.Errorf("%q: %d lookups, %d bytes", piece, asked, len(out))
		}
	}
}

// As in Grafana, a value replaces the first occurrence of its variable's text, even inside a value that was just inserted.
func TestReplace(t *testing.T) {
	t.Parallel()
	values := map[string]string{"A": "${B}", "B": "b"}
	got := Replace("${A} ${B} $__file{B}", func(u Use) (string, bool) { return values[u.Arg], u.IsVariable() })
	if got != "b ${B} $__file{B}" {
		t.Errorf("%q", got)
	}
}

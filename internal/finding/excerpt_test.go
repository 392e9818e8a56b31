package finding

import (
	"strings"
	"testing"
)

// The lines around a finding are shown with a caret below its position. Lines that may contain a secret are
// replaced.
func TestExcerpt(t *testing.T) {
	t.Parallel()
	file := []byte("global:\n  scrape_interval: 15s\nscrape_configs:\n- job_name: a\n  basic_auth:\n    username: u\n    password: hunter2\n  scheme: htp\n\nrule_files: []\n")
	for _, c := range []struct {
		line, column, context int
		want                  string
	}{
		{4, 3, 1, "  3 | scrape_configs:\n  4 | - job_name: a\n    |   ^\n  5 | (not shown: this line may contain a secret)\n"},
		{2, 3, 2, "  1 | global:\n  2 |   scrape_interval: 15s\n    |   ^\n  3 | scrape_configs:\n  4 | - job_name: a\n"},
		{10, 1, 1, "   9 |\n  10 | rule_files: []\n     | ^\n"},
		{10, 0, 0, "  10 | rule_files: []\n"},
		{7, 5, 2, ""},
		{0, 1, 2, ""},
		{99, 1, 2, ""},
	} {
		if got := Excerpt(file, c.line, c.column, c.context); got != c.want {
			t.Errorf("line %d:\n%q, want\n%q", c.line, got, c.want)
		}
	}
}

// At most this many findings get an excerpt, errors before warnings.
func TestAddExcerpts(t *testing.T) {
	t.Parallel()
	list := []Finding{
		{File: "f", Line: 1, Severity: Warning}, {File: "f", Line: 2, Severity: Error}, {File: "f", Severity: Error}, {File: "f", Line: 2, Severity: Warning},
	}
	AddExcerpts(list, 2, func(string) []byte { return []byte("one\ntwo\n") })
	for i, want := range []bool{true, true, false, false} {
		if got := list[i].Excerpt != ""; got != want {
			t.Errorf("finding %d: excerpt %v, want %v", i, got, want)
		}
	}
}

// FuzzExcerpt: whatever the file and the position, no line that names a secret is shown, and no control character.
func FuzzExcerpt(f *testing.F) {
	f.Add([]byte("a: b\npassword: x\n  y\nc: d\n"), 3, 2, 2)
	f.Fuzz(func(t *testing.T, content []byte, line, column, context int) {
		got := Excerpt(content, line, column, max(0, context%4))
		for l := range strings.Lines(got) {
			l = strings.TrimSuffix(l, "\n")
			if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("a control character in %q", l)
			}
			if strings.Contains(l, "password") {
				t.Errorf("shown: %q", l)
			}
		}
	})
}

// A line that is too long to be searched for secrets quickly is not shown, and neither are the lines indented below it: a megabyte
// on one line, with a hundred findings in it, must not take longer than a short file.
func TestExcerptOfALongLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxSearched+1)
	if got := Excerpt([]byte(long+"\n"), 1, 5, 0); got != "" {
		t.Errorf("a line of %d bytes is shown: %q", len(long), got)
	}
	if got := Excerpt([]byte(long+":\n  b: 1\n"), 2, 3, 0); got != "" {
		t.Errorf("what is under a line of %d bytes is shown: %q", len(long), got)
	}
	if got := Excerpt([]byte(long+"\na: 1\nb: 1\n"), 3, 1, 2); !strings.Contains(got, "b: 1") || !strings.Contains(got, hidden) {
		t.Errorf("next to a long line: %q", got)
	}
	if got := Excerpt([]byte(long[:maxSearched-1]+"\n"), 1, 5, 0); got == "" {
		t.Error("a line at the bound is not shown")
	}
}

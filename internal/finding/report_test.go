package finding

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var sample = []Finding{
	{File: "a.yml", Line: 2, Column: 5, Severity: Error, Rule: "x-y", Message: "100% wrong,\nsay: no", Hint: "do: this"},
	{File: "b,c.yml", Severity: Info, Rule: "z", Message: "fine"},
}

// The text format has one line for each finding, then its hint and its line of the file.
func TestWriteText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	err := WriteText(&b, sample, func(file string) []byte {
		if file == "a.yml" {
			return []byte("one:\n  - two\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "a.yml:2:5: error: 100% wrong, say: no [x-y]\n  hint: do: this\n  2 |   - two\n    |     ^\nb,c.yml: info: fine [z]\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// The GitHub format is one workflow command for each finding, with special characters escaped.
func TestWriteGitHub(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := WriteGitHub(&b, sample); err != nil {
		t.Fatal(err)
	}
	want := "::error file=a.yml,line=2,col=5,title=x-y::100%25 wrong,%0Asay: no%0Ahint: do: this\n" +
		"::notice file=b%2Cc.yml,title=z::fine\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// A line that may contain a secret is not shown, wherever the secret's key is.
func TestSnippetHidesSecrets(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content string
		line    int
	}{
		"own key":            {"a: 1\npassword: hunter2\n", 2},
		"misspelt key":       {"basic_auth: hunter2\n", 1},
		"block scalar":       {"password: |\n  hunter2\n", 2},
		"deep in a section":  {"http_headers:\n  X-Key:\n    values:\n    - hunter2\n", 4},
		"continued":          {"\"password\":\n\"hunter2\"\n", 2},
		"user info":          {"url: http://u:hunter2@host\n", 1},
		"list under dash":    {"- token:\n  - hunter2\n", 2},
		"after a comment":    {"bearer_token:\n  # why\n  hunter2\n", 3},
		"JSON":               {"{\n \"secureJsonData\": {\n  \"x\": \"hunter2\"\n }\n}\n", 3},
		"private key in PEM": {"-----BEGIN PRIVATE KEY-----\nhunter2\n", 2},
	} {
		if got := Snippet([]byte(tc.content), tc.line, 1); got != "" {
			t.Errorf("%s: shown: %q", name, got)
		}
	}
	if got := Snippet([]byte("basic_auth:\n  username: x\nscrape_interval: 5x\n"), 3, 18); !strings.Contains(got, "5x") || !strings.HasSuffix(got, "^\n") {
		t.Errorf("a harmless line is not shown: %q", got)
	}
}

// FuzzSnippet: a snippet has at most two lines and a bounded length.
func FuzzSnippet(f *testing.F) {
	f.Add([]byte("a: 1\nb: 2\n"), 2, 4)
	f.Add([]byte("\xff\n"), 1, 1)
	f.Fuzz(func(t *testing.T, content []byte, line, column int) {
		s := Snippet(content, line, column)
		if strings.Count(s, "\n") > 2 || len(s) > 8*maxSnippet {
			t.Fatalf("a snippet of %d bytes: %q", len(s), s)
		}
	})
}

// Items that were added, changed or removed are named; many of one kind are only counted.
func TestDiffOutline(t *testing.T) {
	t.Parallel()
	before := &Outline{Items: []Item{
		{Kind: "scrape job", Name: "a", Fingerprint: 1},
		{Kind: "scrape job", Name: "b", Fingerprint: 2},
		{Kind: "rule group", Name: "g", Fingerprint: 3},
		{Kind: "rule group", Name: "g", Fingerprint: 4},
	}}
	after := &Outline{Items: []Item{
		{Kind: "scrape job", Name: "a", Fingerprint: 9},
		{Kind: "scrape job", Name: "c", Fingerprint: 2},
		{Kind: "rule group", Name: "g", Fingerprint: 3},
		{Kind: "rule group", Name: "g", Fingerprint: 4},
	}}
	for i := range 20 {
		after.Items = append(after.Items, Item{Kind: "datasource", Name: string(rune('a' + i))})
	}
	want := []string{`scrape job "c" added`, `scrape job "a" changed`, `scrape job "b" removed`, "20 datasources added"}
	if d := cmp.Diff(want, DiffOutline(before, after)); d != "" {
		t.Error(d)
	}
	if got := DiffOutline(after, after); len(got) != 0 {
		t.Errorf("no change is described as %q", got)
	}
	if got := DiffOutline(nil, before); len(got) != 3 {
		t.Errorf("from nothing: %q", got)
	}
}

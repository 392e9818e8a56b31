package finding

import (
	"context"
	"testing"

	"reloader/internal/snapshot"
)

type fixed []Finding

func (f fixed) Validate(context.Context, Request) (Result, error) { return Result{Findings: f}, nil }

// Ignored findings are left out and counted. Errors that the server itself would refuse cannot be ignored; guards can.
func TestIgnoring(t *testing.T) {
	t.Parallel()
	const body = "a: 1 # reloader:ignore x-one, x-two\n" +
		"# reloader:ignore x-one\n" +
		"b: 1\n" +
		"c: \"reloader:ignore x-one\"\n" +
		"d: 1 ; reloader:ignore x-one\n"
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "config", Dir: "/d"}, map[string][]byte{"f.yml": []byte(body)}))
	at := func(line int, s Severity, rule string) Finding {
		return Finding{File: "/d/f.yml", Line: line, Severity: s, Rule: rule}
	}
	for name, test := range map[string]struct {
		finding Finding
		list    []Ignore
		ignored bool
	}{
		"on the same line":            {at(1, Warning, "x-one"), nil, true},
		"the second name":             {at(1, Info, "x-two"), nil, true},
		"above":                       {at(3, Warning, "x-one"), nil, true},
		"on the same line, not below": {at(2, Warning, "x-two"), nil, false},
		"another rule":                {at(3, Warning, "x-two"), nil, false},
		"in a text":                   {at(4, Warning, "x-one"), nil, false},
		"the comment of ini":          {at(5, Warning, "x-one"), nil, true},
		"an error":                    {at(1, Error, "x-one"), []Ignore{{Rule: "x-one"}}, false},
		"a guard":                     {at(1, Error, "guard-x"), []Ignore{{Rule: "guard-x"}}, true},
		"by name":                     {at(4, Warning, "x-one"), []Ignore{{Rule: "x-one"}}, true},
		"by name and path":            {at(4, Warning, "x-one"), []Ignore{{"x-one", "f.yml"}}, true},
		"by name and pattern":         {at(4, Warning, "x-one"), []Ignore{{"x-one", "d/*.yml"}}, true},
		"another path":                {at(4, Warning, "x-one"), []Ignore{{"x-one", "g.yml"}}, false},
		"the end of a name":           {at(4, Warning, "x-one"), []Ignore{{"x-one", ".yml"}}, false},
		"no line":                     {at(0, Warning, "x-one"), nil, false},
		"a line after the end":        {at(99, Warning, "x-one"), nil, false},
	} {
		res, err := Ignoring(fixed{test.finding}, test.list).Validate(t.Context(), Request{Set: set})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(res.Findings) == 0; got != test.ignored || res.Ignored != 1-len(res.Findings) {
			t.Errorf("%s: ignored %v, want %v; %d counted", name, got, test.ignored, res.Ignored)
		}
	}
}

// An ignore is RULE or RULE=PATTERN.
func TestParseIgnore(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Ignore{"a-b": {Rule: "a-b"}, "a-b=c/*.yml": {"a-b", "c/*.yml"}} {
		if got, err := ParseIgnore(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "=x", "a b", "a=", "a=[", "./a"} {
		if got, err := ParseIgnore(in); err == nil {
			t.Errorf("%q was read as %+v", in, got)
		}
	}
}

// FuzzIgnoreComment: no comment names an empty rule, and none makes the search panic.
func FuzzIgnoreComment(f *testing.F) {
	f.Add([]byte("a # reloader:ignore x"), "x")
	f.Fuzz(func(t *testing.T, line []byte, rule string) {
		if names(line, rule) && rule == "" {
			t.Fatal("an empty name was found")
		}
	})
}

package proof

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const printed = `global:
  scrape_interval: 15s
  external_labels:
    cluster: eu
    "zone": a
runtime:
  gogc: 75
  log_level: info
rule_files:
- /etc/prometheus/..data/a.rules
scrape_configs:
- job_name: one
  metrics_path: /m
- job_name: "2"
storage:
  tsdb:
    retention:
      time: 15d
    exemplars: 5
remote_write:
- url: http://a
  name: first
- url: http://b
`

// A printed configuration is cut into its parts, each with the name that users know.
func TestCut(t *testing.T) {
	t.Parallel()
	var names []string
	for _, i := range Cut(printed) {
		names = append(names, i.String())
	}
	want := []string{
		`section "global"`, `section "runtime"`, `section "rule_files"`, `scrape job "one"`, `scrape job "2"`, `section "storage"`,
		`remote_write "first"`, `remote_write "#2"`,
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
}

// Only what the server's flags and environment decide is removed before a comparison. The name of a label stays.
func TestNormal(t *testing.T) {
	t.Parallel()
	wild := []string{"runtime.gogc", "storage.tsdb.retention", ExternalLabels + "zone"}
	got := Normal(printed, wild)
	for _, gone := range []string{"gogc", "15d", "..data", ": a\n"} {
		if strings.Contains(got, gone) {
			t.Errorf("%q is still in\n%s", gone, got)
		}
	}
	for _, kept := range []string{"zone\": \"*\"", "cluster: eu", "log_level", "exemplars", "/etc/prometheus/a.rules"} {
		if !strings.Contains(got, kept) {
			t.Errorf("%q is missing in\n%s", kept, got)
		}
	}
	other := strings.NewReplacer("gogc: 75", "gogc: 100", "time: 15d", "size: 5GB", `"zone": a`, `"zone": b`).Replace(printed)
	if Normal(other, wild) != got {
		t.Error("other values from the environment make a difference")
	}
	if Normal(strings.Replace(printed, "eu", "us", 1), wild) == got {
		t.Error("another value of a fixed label makes no difference")
	}
}

// The time grows with the length of a list, not with its square: that would take minutes here.
func TestCutLongList(t *testing.T) {
	t.Parallel()
	list := "rule_files:\n" + strings.Repeat("- /etc/prometheus/rules/a.yml\n", 300_000)
	want := []Item{{Kind: "section", Name: "rule_files", Sum: Sum(list)}, {Kind: "section", Name: "x", Sum: Sum("x: 1\n")}}
	if d := cmp.Diff(want, Cut(list+"x: 1\n")); d != "" {
		t.Error(d)
	}
}

// The name of an external label may be any text. Its value may have several lines, also empty ones.
func TestNormalNames(t *testing.T) {
	t.Parallel()
	for name, written := range map[string]string{"a:b": "a:b", "a: b": "'a: b'", "on": `"on"`, "a.b": "a.b", "a b": "a b", "a:": "'a:'"} {
		text := "global:\n  external_labels:\n    " + written + ": $ONE and\n\n      two: $THREE\n    z: fixed\n"
		want := "global:\n  external_labels:\n    " + written + ": \"*\"\n    z: fixed\n"
		if d := cmp.Diff(want, Normal(text, []string{ExternalLabels + name})); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// The time grows with the number of external labels, not with its square: that would take minutes here.
func TestManyWildLabels(t *testing.T) {
	t.Parallel()
	const n = 300_000
	var text strings.Builder
	text.WriteString("global:\n  external_labels:\n")
	wild := make([]string, n)
	for i := range n {
		fmt.Fprintf(&text, "    label%d: $SECRET\n", i)
		wild[i] = fmt.Sprintf("%slabel%d", ExternalLabels, i)
	}
	if got := Normal(text.String(), wild); strings.Count(got, `: "*"`) != n || strings.Contains(got, "SECRET") {
		t.Errorf("%d of %d labels are left out", strings.Count(got, `: "*"`), n)
	}
}

// Each difference is named by its part, without values.
func TestDifferences(t *testing.T) {
	t.Parallel()
	changed := strings.NewReplacer("/m", "/hunter2", "\"2\"", "three", "15s", "30s").Replace(printed)
	want := []string{`section "global" differs`, `scrape job "one" differs`, `scrape job "2" is missing`, `scrape job "three" is not in the files`}
	if d := cmp.Diff(want, Differences(Cut(printed), Cut(changed))); d != "" {
		t.Error(d)
	}
	if got := Differences(Cut(printed), Cut(printed)); len(got) != 0 {
		t.Errorf("equal configurations differ: %q", got)
	}
}

func rule(query string) Rule { return Rule{Type: "recording", Name: "a", Query: query} }

// Each change of what is compared in a rule group is a difference, with its name. A file in a directory that is not visible to reloader is reported as such.
func TestRulesDiffer(t *testing.T) {
	t.Parallel()
	good := Rule{Type: "alerting", Name: "A", Query: "up", Duration: 300, Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}}
	e := &Expected{Interval: 60, Dirs: []string{"/r"}, Rules: []RuleFile{{Path: "/r/a.yml", Groups: []Group{{Name: "g", Rules: []uint64{good.Sum()}}}}}}
	for name, c := range map[string]struct {
		change func(*ServerGroup)
		want   string
	}{
		"the same":     {func(*ServerGroup) {}, ""},
		"..data":       {func(g *ServerGroup) { g.File = "/r/..data/a.yml" }, ""},
		"query":        {func(g *ServerGroup) { g.Rules[0].Query = "down" }, `different rule "A"`},
		"for":          {func(g *ServerGroup) { g.Rules[0].Duration = 1 }, `different rule "A"`},
		"keep firing":  {func(g *ServerGroup) { g.Rules[0].KeepFiringFor = 1 }, `different rule "A"`},
		"labels":       {func(g *ServerGroup) { g.Rules[0].Labels = nil }, `different rule "A"`},
		"annotations":  {func(g *ServerGroup) { g.Rules[0].Annotations = map[string]string{"c": "x"} }, `different rule "A"`},
		"interval":     {func(g *ServerGroup) { g.Interval = 30 }, "different interval"},
		"limit":        {func(g *ServerGroup) { g.Limit = 5 }, "different limit"},
		"a rule more":  {func(g *ServerGroup) { g.Rules = append(g.Rules, rule("up")) }, "2 rules, not 1"},
		"another name": {func(g *ServerGroup) { g.Name = "h" }, "runs none of its 1 group"},
		"a file more":  {func(g *ServerGroup) { g.File = "/r/b.yml" }, "/r/b.yml: the server runs 1 group"},
	} {
		r := e.Compare(nil)
		g := ServerGroup{Name: "g", File: "/r/a.yml", Interval: 60, Rules: []Rule{good}}
		c.change(&g)
		r.Add(g)
		got := strings.Join(r.Outcome().Differences, "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	r := e.Compare(nil)
	r.Add(ServerGroup{Name: "g", File: "/r/a.yml", Interval: 60, Rules: []Rule{good}})
	r.Add(ServerGroup{Name: "x", File: "/elsewhere/x.yml"})
	if o := r.Outcome(); len(o.Differences) != 0 || len(o.Invisible) != 1 {
		t.Errorf("a file that is not visible here: %+v", o)
	}
}

// Reading rules never panics, and only a successful answer counts as one.
func FuzzReadRules(f *testing.F) {
	f.Add(`{"status":"success","data":{"groups":[{"name":"g","file":"f","rules":[{"name":"a","query":"up","type":"recording"}]}],"groupNextToken":"x"}}`)
	f.Add(`{"status":"error"}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		if _, err := ReadRules(strings.NewReader(text), func(ServerGroup) { n++ }); err == nil && !strings.Contains(text, "success") && !strings.Contains(text, `\u`) { // or it is spelled by an escape
			t.Errorf("%d groups of %q", n, text)
		}
	})
}

// For any text, each part is missing when compared with nothing, and nothing panics.
func FuzzCut(f *testing.F) {
	f.Add(printed)
	f.Add("- a\n\n- b")
	f.Fuzz(func(t *testing.T, text string) {
		if items := Cut(text); len(Differences(items, nil)) != len(items) {
			t.Errorf("%d parts of %q, and not all of them are missing in an empty configuration", len(items), text)
		}
		_ = Normal(text, []string{"a.b", ExternalLabels + "x"})
		_ = (&Expected{Labels: map[string]string{"x": text, "y": "$A-${B}"}}).OtherLabels(text)
	})
}

// Of an external label, everything except its variables is compared. A server that does not expand variables matches too.
func TestLabelsWithVariables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		written, shown string
		same           bool
	}{
		{"one-$HOST", "one-a", true}, {"one-$HOST", "two-a", false}, {"one-$HOST", "one-", true}, {"one-$HOST", "on", false},
		{"one-$HOST", "one-$HOST", true}, {"${A}-x-${B}", "1-x-2", true}, {"${A}-x-${B}", "1-y-2", false}, {"${A}.eu", "a.us", false},
		{"$A$B", "anything", true}, {"$$5", "$5", true}, {"$$5", "$$5", true}, {"$$5", "5", false}, {"a${A}a", "a", false},
	} {
		e := &Expected{Labels: map[string]string{"x": c.written, "gone": "$A"}}
		quoted, _ := json.Marshal(c.shown)
		got := e.OtherLabels("global:\n  scrape_interval: 1m\n  external_labels:\n    x: " + string(quoted) + "\nscrape_configs:\n- job_name: x\n")
		if same := len(got) == 0; same != c.same {
			t.Errorf("%q shown as %q: %q", c.written, c.shown, got)
		}
		if strings.Contains(strings.Join(got, ""), c.shown+" ") {
			t.Errorf("a value is shown: %q", got)
		}
	}
}

// Leaves are the same after encoding to JSON and back. Other JSON is an error.
func TestLeavesInJSON(t *testing.T) {
	t.Parallel()
	for _, l := range []Leaves{nil, {{Path: 1, Value: 2}}, {{Path: 1 << 31, Value: 0xfffffffe, Written: true}, {}, {Value: 1 << 24, Written: true}}} {
		b, err := json.Marshal(Item{Kind: "section", Name: "a", Leaves: l})
		if err != nil {
			t.Fatal(err)
		}
		var back Item
		if err := json.Unmarshal(b, &back); err != nil || !slices.Equal(back.Leaves, l) {
			t.Errorf("%v: %s came back as %v, %v", l, b, back.Leaves, err)
		}
	}
	for _, text := range []string{`"AAAA"`, `"AAAAAAAAAAAC"`, `"?"`, `[{"p":1}]`, `1`} {
		if err := json.Unmarshal([]byte(`{"leaves":`+text+`}`), new(Item)); err == nil {
			t.Errorf("%s was read as leaves", text)
		}
	}
}

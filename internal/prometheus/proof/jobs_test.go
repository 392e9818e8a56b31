package proof

import (
	"strings"
	"testing"
)

const printedJob = `job_name: one
scrape_interval: 15s
params:
  module:
  - a
metrics_path: /m
tls_config:
  ca_file: /etc/p/..data/ca.crt
relabel_configs:
- source_labels: [a]
  separator: ;
static_configs:
- targets:
  - a:1
`

func fileJob(text string) FileJob {
	text = Normal(text, nil)
	return FileJob{Item: Item{Kind: "scrape job", Name: "one", Sum: Sum(text)}, Fields: Fields(text)}
}

// A difference in a job names the settings that differ. A path through ..data is not a difference.
func TestCompareJob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{"", "", ""},
		{"/..data/", "/", ""},
		{"15s", "16s", `scrape job "one" differs in scrape_interval`},
		{"  - a:1", "  - a:2", `scrape job "one" differs in static_configs`},
		{"  separator: ;", "  separator: ,", `scrape job "one" differs in relabel_configs`},
		{"  - a\n", "  - b\n", `scrape job "one" differs in params`},
		{"metrics_path: /m\n", "", `scrape job "one" differs in 1 setting that the server does not have`},
		{"metrics_path: /m\n", "metrics_path: /m\nhonor_labels: true\n", `scrape job "one" differs in honor_labels`},
	} {
		j := fileJob(printedJob)
		if got := j.Compare(strings.Replace(printedJob, c.from, c.to, 1)); got != c.want {
			t.Errorf("%q instead of %q: %q, want %q", c.to, c.from, got, c.want)
		}
	}
}

// An additional target is a difference. A missing one is a difference only if nothing can drop it.
func TestCompareTargets(t *testing.T) {
	t.Parallel()
	target := func(address string) map[string]string { return map[string]string{"__address__": address, "job": "one"} }
	a, b, c := TargetSum(target("a")), TargetSum(target("b")), TargetSum(target("c"))
	late := target("a")
	late["__scrape_native_histograms__"] = "false"
	if TargetSum(late) != a {
		t.Error("a label that only newer servers add changes the sum")
	}
	for _, x := range []struct {
		have []uint64
		all  bool
		same bool
	}{
		{[]uint64{a, b}, true, true}, {[]uint64{b, a}, true, true}, {[]uint64{a}, true, false}, {[]uint64{a}, false, true},
		{nil, false, true}, {[]uint64{a, c}, false, false}, {[]uint64{a, b, c}, true, false},
	} {
		j := FileJob{Item: Item{Kind: "scrape job", Name: "one"}, Targets: []uint64{a, b}, AllActive: x.all}
		if got := j.CompareTargets(x.have); (got == "") != x.same {
			t.Errorf("%v, all active %v: %q", x.have, x.all, got)
		}
	}
}

// Reading targets never panics, and a broken answer is an error.
func FuzzReadTargets(f *testing.F) {
	f.Add(`{"status":"success","data":{"activeTargets":[{"discoveredLabels":{"__address__":"a:1","job":"one"},"scrapePool":"one","health":"up"}],"droppedTargets":[]}}`)
	f.Add(`{"status":"error","error":"x"}`)
	f.Add(`{"status":"success","data":{"activeTargets":null}}`)
	f.Add(`<html>`)
	f.Fuzz(func(t *testing.T, answer string) {
		err := ReadTargets(strings.NewReader(answer), func(string, map[string]string) {})
		// An escape may spell the word in another way.
		if err == nil && !strings.Contains(answer, "success") && !strings.Contains(answer, `\u`) {
			t.Errorf("%q counts as an answer", answer)
		}
	})
}

// Comparing a job with any text never panics, and only its own text is equal.
func FuzzCompareJob(f *testing.F) {
	f.Add(printedJob)
	f.Add("")
	f.Add("- a\n\n b")
	f.Fuzz(func(t *testing.T, text string) {
		j := fileJob(printedJob)
		if got := j.Compare(text); (got == "") != (Normal(text, nil) == Normal(printedJob, nil)) {
			t.Errorf("%q: %q", text, got)
		}
	})
}

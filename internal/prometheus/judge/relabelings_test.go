package judge

import (
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
)

func judgedAs(version, main string) []validator.Finding {
	return Judge(&validator.Question{Protocol: validator.Protocol, Version: version, Dirs: []string{"/d"}, Files: []validator.File{
		{Path: "/d/prometheus.yml", Size: int64(len(main)), Content: []byte(main)},
	}}).Findings
}

// The cost of a list of any length is bounded: the mistakes up to the bound are reported, and a finding says that there may be more.
func TestManyRelabelings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		list string
		want int
	}{
		"bad ones":                 {strings.Repeat("{action: bogus}, ", 3*maxRelabelings), maxProblems},
		"good ones before bad one": {strings.Repeat("{action: drop}, ", maxRelabelings) + "{action: bogus}", 1},
	} {
		found := judgedAs("", "scrape_configs:\n- job_name: a\n  relabel_configs: ["+c.list+"]\n")
		open := false
		for _, f := range found {
			open = open || f.Open && f.Rule == finding.RuleMore
		}
		if !open || len(found) < c.want || len(found) > c.want+2 {
			t.Errorf("%s: %d findings, want about %d and one that says the search ended (there is one: %v)", name, len(found), c.want, open)
		}
	}
}

// An unknown field of a relabeling is only a warning if the server is newer, even if another part of the file has an error.
func TestNewFieldInRelabeling(t *testing.T) {
	t.Parallel()
	found := judgedAs("3.99.0", "global: {scrape_interval: x}\nscrape_configs:\n- job_name: a\n  relabel_configs: [{action: drop, source_labels: [a], new_field: 1}]\n")
	seen := false
	for _, f := range found {
		if strings.Contains(f.Message, "new_field") {
			seen = true
			if f.Severity != finding.Warning {
				t.Errorf("got %+v, want a warning", f)
			}
		}
	}
	if !seen || len(found) < 2 {
		t.Errorf("got %+v", found)
	}
}

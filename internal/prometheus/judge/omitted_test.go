package judge

import (
	"strings"
	"testing"

	"reloader/internal/prometheus/validator"
)

// Servers before 3.14 do not print an empty separator or replacement, as observed with 3.5.1. This is not a difference, but a server that
// prints the default value runs something else.
func TestEmptyValuesThatOlderServersLeaveOut(t *testing.T) {
	t.Parallel()
	const body = `
alerting: {alert_relabel_configs: [{target_label: x, replacement: ''}]}
remote_write: [{url: 'http://a', write_relabel_configs: [{source_labels: [a, b], separator: '', target_label: x}]}]
scrape_configs:
- job_name: a
  relabel_configs: [{target_label: x, replacement: ''}, {action: labeldrop, regex: a}, {source_labels: [a], regex: b, action: keep}]
  metric_relabel_configs: [{source_labels: [a, b], separator: '', target_label: x}]
`
	a := Judge(&validator.Question{Protocol: validator.Protocol, Version: "3.5.1", Files: []validator.File{{Path: "/m", Size: int64(len(body)), Content: []byte(body)}}})
	if a.Expected == nil {
		t.Fatal(a.Findings)
	}
	compare := func(shown string) *validator.Compared {
		return Judge(&validator.Question{
			Protocol: validator.Protocol, Version: "3.5.1", Files: []validator.File{{Path: "/m", Size: int64(len(shown)), Content: []byte(shown)}},
			Compare: &validator.Comparison{Configuration: true, Items: a.Expected.Items, Wild: a.Expected.Wild},
		}).Compared
	}
	text := printed(mustLoad(t, body))
	var shown strings.Builder
	for line := range strings.Lines(text) {
		if s := strings.TrimLeft(line, " -"); s != "separator: \"\"\n" && s != "replacement: \"\"\n" {
			shown.WriteString(line)
		}
	}
	if shown.Len() == len(text) {
		t.Fatalf("nothing was left out:\n%s", text)
	}
	if c := compare(shown.String()); len(c.Differences) > 0 || c.Failed != "" {
		t.Errorf("%q %s", c.Differences, c.Failed)
	}
	for empty, value := range map[string]string{`separator: ""`: "separator: ;", `replacement: ""`: "replacement: $1"} {
		if c := compare(strings.ReplaceAll(text, empty, value)); len(c.Differences) != 2 {
			t.Errorf("%s: %q %s", value, c.Differences, c.Failed)
		}
	}
}

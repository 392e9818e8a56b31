package judge

import (
	"strconv"
	"strings"
	"testing"

	"reloader/internal/prometheus/validator"
)

// A server of another version that runs the files matches them, whatever its jobs are called: also with names that the library prints
// in quotes, on several lines, or wrapped after 80 characters. A job with another name is a difference.
func TestOddJobNamesOnAServerOfAnotherVersion(t *testing.T) {
	t.Parallel()
	names := append([]string{`"quoted"`, "'quoted'", "one\ntwo", "one\n\n two\n", "#1", strings.Repeat("é ", 60) + "end"}, odd...)
	for _, name := range names {
		if name == "" || strings.Contains(name, "\xff") { // no file can set them
			continue
		}
		body := "scrape_configs:\n- {job_name: " + strconv.Quote(name) + ", static_configs: [{targets: [a]}]}\n- {job_name: other, metrics_path: /a}\n"
		q := validator.Question{Protocol: validator.Protocol, Version: "3.5.1", Dirs: []string{"/d"}, Files: []validator.File{{Path: "/d/m", Size: int64(len(body)), Content: []byte(body)}}}
		a := Judge(&q)
		if a.Expected == nil {
			t.Errorf("%q: %v", name, a.Findings)
			continue
		}
		compare := func(body string) *validator.Compared {
			shown := printed(mustLoad(t, body))
			return Judge(&validator.Question{
				Protocol: validator.Protocol, Version: q.Version, Files: []validator.File{{Path: "/m", Size: int64(len(shown)), Content: []byte(shown)}},
				Compare: &validator.Comparison{Configuration: true, Items: a.Expected.Items, Wild: a.Expected.Wild},
			}).Compared
		}
		if c := compare(body); len(c.Differences) > 0 || c.Failed != "" {
			t.Errorf("%q: %q %s", name, c.Differences, c.Failed)
		}
		if c := compare(strings.Replace(body, `job_name: "`, `job_name: "x`, 1)); len(c.Differences) != 2 {
			t.Errorf("%q with another name: %q %s", name, c.Differences, c.Failed)
		}
	}
}

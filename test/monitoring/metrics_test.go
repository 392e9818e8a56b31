package monitoring

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
)

// /metrics passes promtool's lint, has no new series after many changes, and shows no secret of the files.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, manifestRules(t))
	before := w.seriesOf(w.direct)
	const secret = "s3cret-value"
	for n := range 5 {
		files := w.scraping(manifestRules(t))
		good := files["prometheus.yml"] + fmt.Sprintf("  - job_name: job%d\n    authorization: {credentials: %s%d}\n", n, secret, n)
		files["prometheus.yml"] = good + "    authorisation: " + secret + "\n"
		w.files.Swap(files)
		w.reaches(w.direct, reload.InSync, reload.Rejected)
		files["prometheus.yml"] = good
		w.files.Swap(files)
		w.reaches(w.direct, reload.InSync, reload.InSync)
	}
	after := w.seriesOf(w.direct)
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("a new series: %s", name)
		}
	}
	if len(before) < 50 {
		t.Errorf("only %d series: %v", len(before), slices.Sorted(maps.Keys(before)))
	}
	for _, r := range []*rig.Reloader{w.direct, w.gated} {
		body, err := rig.Get(t, r.URL+"/metrics")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(body, secret) {
			t.Error("/metrics shows a secret")
		}
		if out, err := promtool(t, body, "check", "metrics"); err != nil || out != "" {
			t.Errorf("promtool check metrics: %v\n%s", err, out)
		}
		if out, err := promtool(t, body+"# TYPE reloader_wishes counter\nreloader_wishes 1\n", "check", "metrics"); err == nil {
			t.Errorf("promtool accepts a counter without _total and help:\n%s", out)
		}
	}
}

// seriesOf are the names and labels of reloader's own series.
func (w *world) seriesOf(r *rig.Reloader) map[string]bool {
	w.t.Helper()
	body, err := rig.Get(w.t, r.URL+"/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "reloader_") {
			names[line[:strings.LastIndex(line, " ")]] = true
		}
	}
	return names
}

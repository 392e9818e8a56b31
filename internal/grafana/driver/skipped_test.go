package driver

import (
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/grafana/validator"
	"reloader/internal/reload"
)

// When Grafana skips a dashboard, it keeps the previous one with that uid. That is a mismatch, and names the file and the rule.
// If Grafana stores the dashboard although the validator expected otherwise, nothing differs.
func TestSkippedDashboards(t *testing.T) {
	t.Parallel()
	_, s := fake(t, grafanatest.Options{})
	s.write(t, "dashboards/p.yaml", provider)
	s.write(t, "json/a.json", `{"title": "A", "uid": "a", "panels": []}`)
	s.write(t, "json/b.json", `{"title": "B", "uid": "b", "panels": []}`)
	r := newRig(t, s.url, s.password, nil)
	compare := func(skipped string) reload.Verdict {
		t.Helper()
		set := s.read(t, "dashboards", "json")
		seen, err := r.Observe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		files := expect(set, seen.Facts)
		for _, d := range files.Dashboards {
			if strings.HasSuffix(d.Path, skipped) {
				files.skip(&validator.Expected{Skipped: map[string]string{d.Path: "dashboard-resource-folder"}})
			}
		}
		plan, err := r.Plan(t.Context(), reload.Change{New: set, Server: seen, Expected: &Expected{Facts: factsOf(seen.Facts), Files: files}})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Reload(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		v, err := r.Confirm(t.Context(), plan, reload.Proof{Reloaded: true, Before: seen})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := compare("b.json"); !v.Proven || v.Mismatch {
		t.Errorf("stored nevertheless: %+v", v)
	}
	// The fake skips it because its title is too long. For the reason, the driver relies on the validator.
	s.write(t, "json/b.json", `{"title": "`+strings.Repeat("b", 5001)+`", "uid": "b", "panels": []}`)
	if v := compare("b.json"); v.Proven || !v.Mismatch || len(v.Differences) != 1 || !strings.Contains(v.Differences[0], "b.json: Grafana skips it (dashboard-resource-folder)") {
		t.Errorf("the previous one stays: %+v", v)
	}
}

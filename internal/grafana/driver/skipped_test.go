package driver

import (
	"testing"

	"reloader/internal/grafana/validator"
)

// A dashboard that Grafana skips is not waited for, whatever its file looks like; without a verdict all are expected.
func TestSkippedDashboardsAreNotExpected(t *testing.T) {
	t.Parallel()
	e := expectation{Hidden: map[string][]string{}, Dashboards: []dashboard{{File: "d/a.json", Path: "/d/a.json"}, {File: "d/b.json", Path: "/d/b.json"}}}
	e.skip(nil)
	if len(e.Dashboards) != 2 {
		t.Fatalf("%d dashboards", len(e.Dashboards))
	}
	e.skip(&validator.Expected{Skipped: map[string]string{"/d/b.json": "dashboard-v2-bare"}})
	if len(e.Dashboards) != 1 || e.Dashboards[0].Path != "/d/a.json" || len(e.Unread) != 0 {
		t.Errorf("expected %+v, unread %+v", e.Dashboards, e.Unread)
	}
}

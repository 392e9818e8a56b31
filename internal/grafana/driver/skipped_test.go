package driver

import (
	"testing"

	"reloader/internal/grafana/validator"
)

// A dashboard that Grafana skips is not waited for, whatever its file looks like; without a verdict all are expected.
func TestSkippedDashboardsAreNotExpected(t *testing.T) {
	t.Parallel()
	e := expectation{hidden: map[string][]string{}, dashboards: []dashboard{{file: "d/a.json", path: "/d/a.json"}, {file: "d/b.json", path: "/d/b.json"}}}
	e.skip(nil)
	if len(e.dashboards) != 2 {
		t.Fatalf("%d dashboards", len(e.dashboards))
	}
	e.skip(&validator.Expected{Skipped: map[string]string{"/d/b.json": "dashboard-v2-bare"}})
	if len(e.dashboards) != 1 || e.dashboards[0].path != "/d/a.json" || len(e.unread) != 0 {
		t.Errorf("expected %+v, unread %+v", e.dashboards, e.unread)
	}
}

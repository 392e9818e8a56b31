package driver

import (
	"slices"

	"reloader/internal/grafana/validator"
)

// skip takes out the dashboards that the validator knows Grafana will not store (of a version, folder or organization
// that do not fit): nothing waits for them, and a warning names each.
func (e *expectation) skip(judged *validator.Expected) {
	if judged == nil {
		e.indexDashboards()
		return
	}
	e.Dashboards = slices.DeleteFunc(e.Dashboards, func(d dashboard) bool {
		_, skipped := judged.Skipped[d.Path]
		if skipped {
			e.hide("dashboards", "dashboards that Grafana skips, which the warnings name")
		}
		return skipped
	})
	e.indexDashboards()
}

package validation

import "reloader/internal/grafana"

// The versions at which rules change.
var (
	V9   = grafana.Version{Major: 9}
	V94  = grafana.Version{Major: 9, Minor: 4} // the YAML library that refuses duplicate keys
	V10  = grafana.Version{Major: 10}
	V104 = grafana.Version{Major: 10, Minor: 4}
	V11  = grafana.Version{Major: 11}
	V112 = grafana.Version{Major: 11, Minor: 2}
	V115 = grafana.Version{Major: 11, Minor: 5}
	V12  = grafana.Version{Major: 12}
	V121 = grafana.Version{Major: 12, Minor: 1}
	V122 = grafana.Version{Major: 12, Minor: 2}
	V123 = grafana.Version{Major: 12, Minor: 3} // watches instead of polling for short intervals
	V124 = grafana.Version{Major: 12, Minor: 4}
	V13  = grafana.Version{Major: 13} // nested folders, dashboards of the second version
)

const mayBeLifted = "these are the rules of Grafana 12.4; a newer version may allow it"

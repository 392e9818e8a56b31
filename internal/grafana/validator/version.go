package validator

import "reloader/internal/grafana"

// Version is a Grafana version, as far as rules depend on it.
type Version = grafana.Version

// Newest is what is assumed when the version is not known.
var Newest = grafana.Tried

// ParseVersion reads a version; what is none is Newest.
func ParseVersion(s string) Version { return grafana.ParseVersion(s) }

// The versions at which rules change.
var (
	v9   = Version{Major: 9}
	v94  = Version{Major: 9, Minor: 4} // the YAML library that refuses duplicate keys
	v10  = Version{Major: 10}
	v104 = Version{Major: 10, Minor: 4}
	v11  = Version{Major: 11}
	v112 = Version{Major: 11, Minor: 2}
	v115 = Version{Major: 11, Minor: 5}
	v12  = Version{Major: 12}
	v121 = Version{Major: 12, Minor: 1}
	v122 = Version{Major: 12, Minor: 2}
	v123 = Version{Major: 12, Minor: 3} // watches instead of polling for short intervals
	v124 = Version{Major: 12, Minor: 4}
	v13  = Version{Major: 13} // nested folders, dashboards of the second version
)

const mayBeLifted = "these are the rules of Grafana 12.4; a newer one may have lifted this"

package grafana

import (
	"strings"

	"reloader/internal/versions"
)

// Version is a Grafana version, as far as rules depend on it.
type Version = versions.Version

// Tried is the newest version for which the rules were tried on a real server. It is assumed when the version is
// not known. Rules for newer versions come from Grafana's source and documentation.
var Tried = versions.Of(12, 4)

// ParseVersion reads "12.4.0", "v9.4.0-pre" or "11.5"; anything else, or an empty string, is Tried.
func ParseVersion(s string) Version {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "-")
	if v := versions.Parse(s); v.Major > 0 {
		return v
	}
	return Tried
}

package grafana

import (
	"strconv"
	"strings"
)

// Version is a Grafana version, as far as rules depend on it.
type Version struct{ Major, Minor int }

// Tried is the newest version on which the rules were tried with a real server. It is assumed when the version is
// not known. What is said of a newer version comes from its source and documentation.
var Tried = Version{12, 4}

// ParseVersion reads "12.4.0", "v9.4.0-pre" or "11.5"; anything else, also nothing, is Tried.
func ParseVersion(s string) Version {
	parts := strings.SplitN(strings.TrimPrefix(strings.TrimSpace(s), "v"), ".", 3)
	if len(parts) < 2 {
		return Tried
	}
	minor, _, _ := strings.Cut(parts[1], "-")
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(minor)
	if errA != nil || errB != nil || a <= 0 {
		return Tried
	}
	return Version{a, b}
}

// AtLeast says whether v is w or later.
func (v Version) AtLeast(w Version) bool {
	return v.Major > w.Major || v.Major == w.Major && v.Minor >= w.Minor
}

// Before says whether v is earlier than w.
func (v Version) Before(w Version) bool { return !v.AtLeast(w) }

func (v Version) String() string { return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) }

package validator

import (
	"strconv"
	"strings"
)

// Version is a Grafana version, as far as rules depend on it.
type Version struct{ Major, Minor int }

// Newest is what is assumed when the version is not known.
var Newest = Version{12, 4}

// The versions at which rules change.
var (
	v9   = Version{9, 0}
	v94  = Version{9, 4} // the YAML library that refuses duplicate keys
	v10  = Version{10, 0}
	v11  = Version{11, 0}
	v12  = Version{12, 0}
	v123 = Version{12, 3} // watches instead of polling for short intervals
	v124 = Version{12, 4}
)

// ParseVersion reads "12.4.0", "v9.4.0-pre" or "11.5"; anything else, also nothing, is Newest.
func ParseVersion(s string) Version {
	parts := strings.SplitN(strings.TrimPrefix(strings.TrimSpace(s), "v"), ".", 3)
	if len(parts) < 2 {
		return Newest
	}
	minor, _, _ := strings.Cut(parts[1], "-")
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(minor)
	if errA != nil || errB != nil || a <= 0 {
		return Newest
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

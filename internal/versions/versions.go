// Package versions compares the versions of servers, as far as rules depend on them: by major and minor.
package versions

import (
	"cmp"
	"strconv"
	"strings"
)

// Version is major and minor of a server; the zero one is unknown.
type Version struct{ Major, Minor int }

// Of is a version that is written in a table.
func Of(major, minor int) Version { return Version{major, minor} }

// Parse reads "3.16.0", "v2.53.1" or "11.5"; anything else is unknown.
func Parse(s string) Version {
	major, rest, _ := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	if err != nil || err2 != nil || a < 0 || b < 0 {
		return Version{}
	}
	return Version{a, b}
}

// Known says that v is not the zero version.
func (v Version) Known() bool { return v != Version{} }

// Before says whether v is earlier than w.
func (v Version) Before(w Version) bool {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor)) < 0
}

// AtLeast says whether v is w or later.
func (v Version) AtLeast(w Version) bool { return !v.Before(w) }

func (v Version) String() string { return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) }

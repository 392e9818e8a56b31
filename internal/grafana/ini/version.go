package ini

import (
	"strconv"
	"strings"
)

// newest stands for a server that is not known: its rules are those of the newest Grafana.
const newest = 1 << 20

// release is a version as major*1000 + minor.
func release(version string) int {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	m, err := strconv.Atoi(major)
	if err != nil || m < 0 || m > newest/1000-1 {
		return newest
	}
	n, err := strconv.Atoi(minor)
	if err != nil || n < 0 || n > 999 {
		n = 0
	}
	return m*1000 + n
}

package inject

import (
	"bytes"

	"github.com/rogpeppe/go-internal/diff"
)

// Diff is a unified diff from a to b, in the format of patch(1); empty when they are equal.
func Diff(nameA string, a []byte, nameB string, b []byte) []byte {
	d := diff.Diff(nameA, a, nameB, b)
	// The first line is a diff command that no one ran.
	if _, rest, ok := bytes.Cut(d, []byte("\n")); ok {
		return rest
	}
	return d
}

package inject

import (
	"bytes"

	"github.com/rogpeppe/go-internal/diff"
)

// Diff is a unified diff from a to b, as patch(1) takes it; empty when they are equal.
func Diff(nameA string, a []byte, nameB string, b []byte) []byte {
	d := diff.Diff(nameA, a, nameB, b)
	// Its first line is a command that was never run.
	if _, rest, ok := bytes.Cut(d, []byte("\n")); ok {
		return rest
	}
	return d
}

// Package paths compares paths by their names alone, without the file system.
package paths

import (
	"path/filepath"
	"slices"
)

// Inside reports whether p is the directory dir or lies below it. Both are absolute, or relative to the same
// directory; links are not followed.
func Inside(p, dir string) bool {
	rel, err := filepath.Rel(dir, p)
	return err == nil && filepath.IsLocal(rel)
}

// Overlap reports whether two directories are the same or one lies below the other.
func Overlap(a, b string) bool { return Inside(a, b) || Inside(b, a) }

// AnyOverlap reports whether any directory of the first list overlaps any of the second.
func AnyOverlap(some, others []string) bool {
	return slices.ContainsFunc(some, func(a string) bool {
		return slices.ContainsFunc(others, func(b string) bool { return Overlap(a, b) })
	})
}

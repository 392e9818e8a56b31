// Package paths says how paths lie to each other, by their names alone.
package paths

import (
	"path/filepath"
	"slices"
)

// Inside says that the path p is the directory dir or lies below it. Both are absolute, or relative to the same
// place; links are not followed.
func Inside(p, dir string) bool {
	rel, err := filepath.Rel(dir, p)
	return err == nil && filepath.IsLocal(rel)
}

// Overlap says that two directories are one, or that one lies below the other.
func Overlap(a, b string) bool { return Inside(a, b) || Inside(b, a) }

// AnyOverlap says that one of some directories and one of others overlap.
func AnyOverlap(some, others []string) bool {
	return slices.ContainsFunc(some, func(a string) bool {
		return slices.ContainsFunc(others, func(b string) bool { return Overlap(a, b) })
	})
}

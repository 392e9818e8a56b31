package snapshot

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

func compareNames(a, b string) int { return strings.Compare(a, b) }

// ChangeKind says what happened to a file.
type ChangeKind string

// The kinds of changes.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is one file that was added, removed or changed between two sets.
type Change struct {
	// Source and Name identify the file: Source.Name and File.Name.
	Source, Name string
	Kind         ChangeKind
	// Old is zero for an added file, New for a removed one.
	Old, New Digest
}

// Diff lists the files that were added, removed or changed, sorted by source and name. It needs no contents.
// A nil set counts as one without files. A file that moved to another source is removed in one and added in the other.
func Diff(before, after *Set) []Change {
	was, is := bySource(before), bySource(after)
	names := maps.Clone(was)
	maps.Copy(names, is)
	var changes []Change
	for _, source := range slices.Sorted(maps.Keys(names)) {
		changes = append(changes, diffFiles(source, was[source], is[source])...)
	}
	return changes
}

func bySource(s *Set) map[string][]File {
	m := map[string][]File{}
	if s == nil {
		return m
	}
	for _, snap := range s.Snapshots {
		m[snap.Source.Name] = snap.Files
	}
	return m
}

// diffFiles merges two sorted lists.
func diffFiles(source string, was, is []File) []Change {
	var changes []Change
	for len(was) > 0 || len(is) > 0 {
		switch order(was, is) {
		case -1:
			changes = append(changes, Change{Source: source, Name: was[0].Name, Kind: Removed, Old: was[0].Digest})
			was = was[1:]
		case 1:
			changes = append(changes, Change{Source: source, Name: is[0].Name, Kind: Added, New: is[0].Digest})
			is = is[1:]
		default:
			if was[0].Digest != is[0].Digest {
				changes = append(changes, Change{Source: source, Name: is[0].Name, Kind: Changed, Old: was[0].Digest, New: is[0].Digest})
			}
			was, is = was[1:], is[1:]
		}
	}
	return changes
}

// order compares the first names of two lists; an empty list sorts last.
func order(was, is []File) int {
	switch {
	case len(was) == 0:
		return 1
	case len(is) == 0:
		return -1
	}
	return cmp.Compare(was[0].Name, is[0].Name)
}

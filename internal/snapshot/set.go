package snapshot

import (
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Set is one reading of all of a target's sources.
type Set struct {
	// Snapshots are in the order in which the target names its sources.
	Snapshots []*Snapshot
	// Digest is the snapshot's own digest if there is one source, else it covers the names and digests of all.
	Digest Digest
}

// NewSet joins the readings of a target's sources, whose names must differ.
func NewSet(snaps ...*Snapshot) *Set {
	return &Set{Snapshots: snaps, Digest: digestSnapshots(snaps)}
}

// Forget drops the contents of all snapshots; names and digests stay.
func (s *Set) Forget() {
	for _, snap := range s.Snapshots {
		snap.Forget()
	}
}

// Moved reports that the directories were written to since an earlier reading of the same contents: other ones may have been in
// them in between.
func (s *Set) Moved(since *Set) bool {
	return !slices.EqualFunc(s.Snapshots, since.Snapshots, func(now, then *Snapshot) bool {
		if now.seen == nil || then.seen == nil {
			return now.seen == then.seen
		}
		return slices.Equal(now.seen.entries, then.seen.entries) && slices.Equal(now.seen.places, then.seen.places)
	})
}

// Written names the files that someone has written to, or replaced, since an earlier reading, as SOURCE/NAME: those whose
// metadata differ, whether or not their contents do.
func (s *Set) Written(since *Set) []string {
	was := map[string]fileID{}
	for _, snap := range since.Snapshots {
		if snap.seen != nil {
			for _, e := range snap.seen.entries {
				was[snap.Source.Name+"/"+e.name] = e.id
			}
		}
	}
	var names []string
	for _, snap := range s.Snapshots {
		if snap.seen == nil {
			continue
		}
		for _, e := range snap.seen.entries {
			if name := snap.Source.Name + "/" + e.name; was[name] != e.id {
				names = append(names, name)
			}
		}
	}
	return names
}

// Atomic reports whether the set changes in single steps only: one source, swapped as a whole.
func (s *Set) Atomic() bool { return len(s.Snapshots) == 1 && s.Snapshots[0].Atomic }

// Swapped reports that each source whose contents differ from an earlier reading is swapped as a whole, as the kubelet does:
// no server writes into such a directory.
func (s *Set) Swapped(since *Set) bool {
	for i, snap := range s.Snapshots {
		if !snap.Atomic && (i >= len(since.Snapshots) || snap.Digest != since.Snapshots[i].Digest) {
			return false
		}
	}
	return true
}

// Len is the number of files in all snapshots.
func (s *Set) Len() int {
	n := 0
	for _, snap := range s.Snapshots {
		n += len(snap.Files)
	}
	return n
}

// Ref is one file of a Set, with its source.
type Ref struct {
	File
	// Snapshot is the reading that the file belongs to.
	Snapshot *Snapshot
}

// ServerPath is where the target's server finds the file.
func (r Ref) ServerPath() string { return r.Snapshot.Source.ServerPath(r.Name) }

// UserPath is where the user finds the file.
func (r Ref) UserPath() string { return r.Snapshot.Source.UserPath(r.Name) }

// Bytes returns the file's contents as they were hashed; false when they were forgotten.
// The caller must not change them.
func (r Ref) Bytes() ([]byte, bool) { return r.Snapshot.Bytes(r.Name) }

// All iterates over all files, source by source, sorted by name within each.
func (s *Set) All() iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for _, snap := range s.Snapshots {
			for _, f := range snap.Files {
				if !yield(Ref{File: f, Snapshot: snap}) {
					return
				}
			}
		}
	}
}

// File returns the file that the target's server finds at that absolute path.
func (s *Set) File(serverPath string) (Ref, bool) {
	p := path.Clean(filepath.ToSlash(serverPath))
	// The source with the longest directory wins: if one lies inside another, the server finds the inner one.
	var found Ref
	longest := -1
	for _, snap := range s.Snapshots {
		d := filepath.ToSlash(snap.Source.ServerPath(""))
		if len(d) <= longest {
			continue
		}
		name, ok := below(d, p)
		if !ok {
			continue
		}
		if f, ok := snap.File(name); ok {
			found, longest = Ref{File: f, Snapshot: snap}, len(d)
		}
	}
	return found, longest >= 0
}

// below returns p relative to the directory d; both are clean.
func below(d, p string) (string, bool) {
	switch d {
	case "/":
		return strings.CutPrefix(p, d)
	case ".":
		return p, !path.IsAbs(p)
	}
	return strings.CutPrefix(p, d+"/")
}

// Package snapshot reads directories that someone else writes into consistent, immutable, hashed values.
package snapshot

import (
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// Source names a directory that someone else writes: a ConfigMap or Secret volume, or a plain directory.
type Source struct {
	// Name is the source's role in its target ("config", "rules", "datasources"), the same
	// on a laptop, in CI and in the pod. It is part of the digest of a Set; Dir is not.
	Name string
	// Dir is where this process reads the directory.
	Dir string
	// ServerDir is where the target's server sees the same files; empty means Dir.
	ServerDir string
	// Include, when not empty, limits the source to the visible files it names: path.Match
	// patterns on slash-separated names relative to Dir.
	Include []string
	// Followed means that a file named the directory, not the user. Its contents may not be files
	// of the server, and must not be shown as such.
	Followed bool
	// Part, when not empty, is what users call the directory that holds this source and others, each under its
	// Name ("provisioning"). Set.Digests has one digest for all of them: that of the whole directory.
	Part string
}

// UserPath is where the user finds the file of that name: below Dir.
func (s Source) UserPath(name string) string {
	return filepath.Join(s.Dir, filepath.FromSlash(name))
}

// ServerPath is where the target's server finds the file of that name: below ServerDir.
func (s Source) ServerPath(name string) string {
	if s.ServerDir == "" {
		return s.UserPath(name)
	}
	return path.Join(s.ServerDir, name)
}

// File is one visible file of a source.
type File struct {
	// Name is slash-separated and relative to the source's directory.
	Name string
	// Size is in bytes.
	Size int64
	// Mode holds the permission bits of the real file, not of the link to it.
	Mode fs.FileMode
	// Digest covers the bytes alone.
	Digest Digest
}

// Missing is a visible name that does not lead to a readable file.
type Missing struct {
	// Name is slash-separated and relative to the source's directory.
	Name string
	// Reason is one of the Reason constants.
	Reason string
}

// Why a visible name is not a file.
const (
	ReasonDangling = "the link points to nothing"
	ReasonLoop     = "the link leads back to itself"
	ReasonSpecial  = "neither a file nor a directory"
	// ReasonUnlinked is a name in ..data without a visible link: the server does not see it.
	ReasonUnlinked = "not linked from the volume's directory"
)

// Snapshot is one consistent reading of a source. It never changes once Take has returned it,
// except that Forget drops the contents.
type Snapshot struct {
	Source Source
	// Digest covers the names and contents of Files, nothing else.
	Digest Digest
	// Atomic means that the directory is swapped as a whole through ..data, as the kubelet does,
	// so that a change needs no settle time. A volume with another directory's files mounted
	// below it is not atomic.
	Atomic bool
	// Files are sorted by name.
	Files []File
	// Missing are the visible names that are not files, sorted by name. They are not part of
	// the digest.
	Missing []Missing

	contents [][]byte // of each file; nil after Forget
	// seen is what the directory looked like when the contents were read, for Unchanged; nil
	// if the snapshot was not read from a directory.
	seen    *view
	started time.Time
	limits  Limits
}

// FromFiles makes a snapshot of files that are already in memory, by their slash-separated names.
// It keeps the byte slices, which must not be changed afterwards.
func FromFiles(src Source, files map[string][]byte) *Snapshot {
	s := &Snapshot{Source: src, Atomic: true, contents: make([][]byte, 0, len(files))}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b := files[name]
		s.Files = append(s.Files, File{Name: name, Size: int64(len(b)), Mode: 0o644, Digest: DigestBytes(b)})
		s.contents = append(s.contents, b)
	}
	s.Digest = digestFiles(s.Files)
	return s
}

// Bytes returns a file's contents as they were hashed; false when there is no such file or
// the contents were forgotten. The caller must not change them.
func (s *Snapshot) Bytes(name string) ([]byte, bool) {
	i, ok := s.index(name)
	if !ok || s.contents == nil {
		return nil, false
	}
	return s.contents[i], true
}

// File returns the file of that name.
func (s *Snapshot) File(name string) (File, bool) {
	i, ok := s.index(name)
	if !ok {
		return File{}, false
	}
	return s.Files[i], true
}

func (s *Snapshot) index(name string) (int, bool) {
	return slices.BinarySearchFunc(s.Files, name, func(f File, name string) int { return compareNames(f.Name, name) })
}

// Forget drops the contents and keeps names and digests, so that an idle process uses
// little memory. It must not run at the same time as Bytes.
func (s *Snapshot) Forget() { s.contents = nil }

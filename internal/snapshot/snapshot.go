// Package snapshot reads directories that somebody else writes into consistent, immutable, hashed values.
package snapshot

import (
	"context"
	"errors"
	"io/fs"
)

// Source names a directory that somebody else writes: a ConfigMap or Secret volume, or a plain directory.
type Source struct {
	// Name is the source's role in its target ("config", "rules", "datasources"), the same
	// on a laptop, in CI and in the pod. It goes into the digest of a Set; Dir does not.
	Name string
	// Dir is where this process reads the directory.
	Dir string
	// ServerDir is where the target's server sees the same files; empty means Dir.
	ServerDir string
	// Include, when not empty, limits the source to the visible files it names: path.Match
	// patterns on slash-separated names relative to Dir.
	Include []string
}

// File is one visible file of a source.
type File struct {
	// Name is slash-separated and relative to the source's directory.
	Name string
	// Size is in bytes.
	Size int64
	// Mode holds the permission bits of the real file, not of the link to it.
	Mode fs.FileMode
	// Digest is over the bytes alone.
	Digest Digest
}

// Snapshot is one consistent reading of a source. It never changes once Take has returned it,
// except that Forget drops the contents.
type Snapshot struct {
	Source Source
	// Digest is over the names and contents of Files, nothing else.
	Digest Digest
	// Atomic says that the directory is swapped as a whole through ..data, as the kubelet does,
	// so that a change needs no settle time.
	Atomic bool
	// Files are sorted by name.
	Files []File

	contents map[string][]byte
}

// Limits bound what Take is willing to read. The zero value means the defaults.
type Limits struct {
	MaxFiles    int   // default 100,000
	MaxFileSize int64 // bytes, default 32 MiB
	MaxTotal    int64 // bytes, default 256 MiB
}

// Take reads the source once. While the directory changes under it, it reads again; the
// bytes that were hashed are the bytes that Bytes returns.
func Take(ctx context.Context, src Source, lim Limits) (*Snapshot, error) {
	return nil, errors.ErrUnsupported
}

// Bytes returns a file's contents as they were hashed; false when there is no such file or
// the contents were forgotten. The caller must not change them.
func (s *Snapshot) Bytes(name string) ([]byte, bool) {
	b, ok := s.contents[name]
	return b, ok
}

// Set is what a target's sources said together.
type Set struct {
	// Snapshots are in the order in which the target names its sources.
	Snapshots []*Snapshot
	// Digest is the snapshot's own digest when there is one source, else over the names and digests of all.
	Digest Digest
}

package snapshot

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// fileID distinguishes states of a file without reading it. Times are Unix nanoseconds.
type fileID struct {
	dev, ino     uint64
	size         int64
	mtime, ctime int64
	mode         uint32
}

func (id fileID) isDir() bool     { return id.mode&syscall.S_IFMT == syscall.S_IFDIR }
func (id fileID) isRegular() bool { return id.mode&syscall.S_IFMT == syscall.S_IFREG }

// stat follows links.
func stat(path string) (fileID, error) {
	var st syscall.Stat_t
	if _, err := retry(func() (int, error) { return 0, syscall.Stat(path, &st) }); err != nil {
		return fileID{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return idOf(&st), nil
}

// place is a directory that was walked through.
type place struct {
	path     string
	dev, ino uint64
	// data is the target of ..data; empty in a plain directory.
	data string
}

// entry is one visible file.
type entry struct {
	name string
	// place and base say where it was read: view.places[place] is its directory, base its name there.
	place int
	base  string
	id    fileID
}

// view is what a directory tree looks like: everything but the contents.
type view struct {
	places  []place
	entries []entry // sorted by name
	missing []Missing
	// settled is false while visible names and ..data disagree.
	settled bool
	atomic  bool
	// newest is the latest change time of all files, in Unix nanoseconds. Unlike the modification
	// time, no one can set it.
	newest int64
}

func (v *view) path(e entry) string {
	return v.places[e.place].path + string(filepath.Separator) + e.base
}

// sameCommit reports that a volume was not swapped since the look: then everything that was read belongs to one
// generation, which never changes.
func (t *taker) sameCommit(v *view) bool {
	if !v.atomic || !v.settled {
		return false
	}
	for _, p := range v.places {
		t.step("stat", p.path)
		id, err := stat(p.path)
		if err != nil || id.dev != p.dev || id.ino != p.ino {
			return false
		}
		if p.data == "" {
			continue
		}
		t.step("readlink", p.path)
		if data, err := os.Readlink(filepath.Join(p.path, DataLink)); err != nil || data != p.data {
			return false
		}
	}
	return true
}

func (v *view) equal(o *view) bool {
	return v.settled == o.settled && slices.Equal(v.entries, o.entries) &&
		slices.Equal(v.missing, o.missing) && slices.Equal(v.places, o.places)
}

// difference names one file that differs between both, for a message.
func (v *view) difference(o *view, root string) string {
	for i, e := range v.entries {
		if i >= len(o.entries) || o.entries[i] != e {
			return filepath.Join(root, filepath.FromSlash(e.name))
		}
	}
	return root
}

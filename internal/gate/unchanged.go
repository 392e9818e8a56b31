package gate

import (
	"fmt"
	"os"
	"path"

	"reloader/internal/snapshot"
)

// maxOpenDirs limits how many directories are open at a time.
const maxOpenDirs = 64

// unchanged checks whether files of a generation are as they were when this process wrote or checked them.
// It keeps directories open, so that a check costs one system call per file when names come sorted.
type unchanged struct {
	root *os.Root
	dirs map[string]*os.Root
}

func (g *Gate) unchangedIn(gen string) (*unchanged, error) {
	root, err := g.disk.root.OpenRoot(gen)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", gen, cause(err))
	}
	return &unchanged{root: root, dirs: map[string]*os.Root{}}, nil
}

// intact reports whether readers still see what was published, by names, sizes and times: contents are only read when something is
// wrong.
func (g *Gate) intact() bool {
	if g.current == nil {
		return true // what readers see is not from here
	}
	name := g.current.Name
	if g.disk.readlink(snapshot.DataLink) != name || !g.exists(path.Join(stateDir, name)) || !g.exists(lockName) {
		return false
	}
	for _, top := range tops(g.current.files) {
		if g.disk.readlink(top) != path.Join(snapshot.DataLink, top) {
			return false
		}
	}
	files, err := g.unchangedIn(name)
	if err != nil {
		return false
	}
	defer files.close()
	for _, file := range sortedKeys(g.current.files) {
		if !files.is(file, g.current.files[file]) {
			return false
		}
	}
	return true
}

func (u *unchanged) close() {
	if u == nil {
		return
	}
	u.closeDirs()
	_ = u.root.Close() // nothing was written through it
}

func (u *unchanged) closeDirs() {
	for _, dir := range u.dirs {
		_ = dir.Close()
	}
	clear(u.dirs)
}

// is compares a file's metadata with what was recorded.
func (u *unchanged) is(name string, have entry) bool {
	dir, ok := u.dir(path.Dir(name))
	if !ok {
		return false
	}
	info, err := dir.Lstat(path.Base(name))
	return err == nil && info.Mode().IsRegular() && info.Size() == have.size &&
		info.Mode().Perm() == have.mode && info.ModTime().Equal(have.modTime)
}

func (u *unchanged) dir(name string) (*os.Root, bool) {
	if name == "." {
		return u.root, true
	}
	if dir, ok := u.dirs[name]; ok {
		return dir, true
	}
	if len(u.dirs) >= maxOpenDirs {
		u.closeDirs()
	}
	dir, err := u.root.OpenRoot(name)
	if err != nil {
		return nil, false
	}
	u.dirs[name] = dir
	return dir, true
}

package gate

import (
	"fmt"
	"os"
	"path"
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

package gate

import (
	"errors"
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
// wrong. Without descriptors or memory nothing can be seen, which is no reason to touch anything.
func (g *Gate) intact() bool {
	if g.current == nil {
		return true // what readers see is not from here
	}
	err := g.compare(g.current)
	return err == nil || lacking(err)
}

var errChanged = errors.New("it is not what was published")

// compare returns an error if readers see something other than gen, or if that cannot be found out.
func (g *Gate) compare(gen *generation) error {
	leads := func(name, want string) error {
		target, err := g.disk.root.Readlink(name)
		if err == nil && target != want {
			err = errChanged
		}
		return err
	}
	if err := leads(snapshot.DataLink, gen.Name); err != nil {
		return err
	}
	for _, top := range tops(gen.files) {
		if err := leads(top, path.Join(snapshot.DataLink, top)); err != nil {
			return err
		}
	}
	for _, name := range []string{path.Join(stateDir, gen.Name), lockName} {
		if _, err := g.disk.root.Lstat(name); err != nil {
			return err
		}
	}
	files, err := g.unchangedIn(gen.Name)
	if err != nil {
		return err
	}
	defer files.close()
	for _, name := range sortedKeys(gen.files) {
		if err := files.compare(name, gen.files[name]); err != nil {
			return err
		}
	}
	return nil
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
func (u *unchanged) is(name string, have entry) bool { return u.compare(name, have) == nil }

func (u *unchanged) compare(name string, have entry) error {
	dir, err := u.dir(path.Dir(name))
	if err != nil {
		return err
	}
	info, err := dir.Lstat(path.Base(name))
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != have.size || info.Mode().Perm() != have.mode || !info.ModTime().Equal(have.modTime) {
		return errChanged
	}
	return nil
}

func (u *unchanged) dir(name string) (*os.Root, error) {
	if name == "." {
		return u.root, nil
	}
	if dir, ok := u.dirs[name]; ok {
		return dir, nil
	}
	if len(u.dirs) >= maxOpenDirs {
		u.closeDirs()
	}
	dir, err := u.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	u.dirs[name] = dir
	return dir, nil
}

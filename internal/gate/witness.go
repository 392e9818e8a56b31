package gate

import (
	"fmt"
	"os"
	"path"
)

// witness tells whether files of a generation are as they were when this process wrote or checked them.
// It keeps the directories open, so that this costs one system call for each file.
type witness struct {
	dirs map[string]*os.Root
}

func (g *Gate) witness(gen string) (*witness, error) {
	root, err := g.disk.root.OpenRoot(gen)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", gen, cause(err))
	}
	return &witness{dirs: map[string]*os.Root{".": root}}, nil
}

func (w *witness) close() {
	if w == nil {
		return
	}
	for _, root := range w.dirs {
		_ = root.Close() // nothing was written through it
	}
}

// untouched compares what the file system says of a file with what it said before.
func (w *witness) untouched(name string, have entry) bool {
	dir := path.Dir(name)
	root, ok := w.dirs[dir]
	if !ok {
		var err error
		if root, err = w.dirs["."].OpenRoot(dir); err != nil {
			return false
		}
		w.dirs[dir] = root
	}
	info, err := root.Lstat(path.Base(name))
	return err == nil && info.Mode().IsRegular() && info.Size() == have.size &&
		info.Mode().Perm() == have.mode && info.ModTime().Equal(have.modTime)
}

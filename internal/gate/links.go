package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"reloader/internal/snapshot"
)

// swap switches all readers to a generation. The rename of ..data is the commit. A visible name always
// leads to a file: before the commit, new names link straight into the new generation, and names to be removed
// link straight into the old one; those are removed after the commit. So a reader that lists the
// directory never finds a dangling link, wherever a writer was killed.
func (g *Gate) swap(gen *generation) error {
	want := tops(gen.files)
	have, err := g.visible()
	if err != nil {
		return err
	}
	old := g.disk.readlink(snapshot.DataLink)
	for _, name := range want {
		if _, ok := have[name]; !ok {
			if err := g.point(path.Join(gen.Name, name), name); err != nil {
				return err
			}
		}
	}
	for _, name := range sortedKeys(have) {
		if _, stays := slices.BinarySearch(want, name); !stays && old != "" && g.exists(path.Join(old, name)) {
			if err := g.point(path.Join(old, name), name); err != nil {
				return err
			}
		}
	}
	if err := g.disk.sync("."); err != nil {
		return err
	}
	if old != gen.Name {
		// A network disk may do the rename and still return an error: what readers see decides.
		if err := g.point(gen.Name, snapshot.DataLink); err != nil && g.disk.readlink(snapshot.DataLink) != gen.Name {
			return err
		}
	}
	g.current = gen
	g.show()
	if err := g.disk.sync("."); err != nil {
		return err
	}
	return g.settle()
}

// settle makes the visible names those of the current generation, each a link through ..data.
func (g *Gate) settle() error {
	_, err := g.settled()
	return err
}

// settled does the same and reports whether it changed anything.
func (g *Gate) settled() (changed bool, err error) {
	have, err := g.visible()
	if err != nil {
		return false, err
	}
	want := tops(g.current.files)
	for _, name := range want {
		if target := path.Join(snapshot.DataLink, name); have[name] != target {
			changed = true
			if err := g.point(target, name); err != nil {
				return true, err
			}
		}
	}
	for _, name := range sortedKeys(have) {
		if _, found := slices.BinarySearch(want, name); !found {
			changed = true
			if err := g.disk.remove(name); err != nil {
				return true, err
			}
		}
	}
	if !changed {
		return false, nil
	}
	return true, g.disk.sync(".")
}

// visible returns this package's links at the top level, with their targets. Anything else there is not ours.
func (g *Gate) visible() (map[string]string, error) {
	entries, err := g.disk.list(".")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range entries {
		if e.Type() != fs.ModeSymlink || strings.HasPrefix(e.Name(), "..") {
			continue
		}
		target := g.disk.readlink(e.Name())
		if dir, _, ok := strings.Cut(target, "/"); ok && (dir == snapshot.DataLink || isGeneration(dir)) {
			out[e.Name()] = target
		}
	}
	return out, nil
}

// point creates a link, or replaces it atomically. The temporary name is unique, so that leftovers of a killed
// writer are never in the way.
func (g *Gate) point(target, name string) error {
	for range 1000 {
		g.links++
		temp := fmt.Sprintf("%s%d", tempMark, g.links)
		err := g.disk.symlink(target, temp)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := g.disk.rename(temp, name); err != nil {
			_ = g.disk.remove(temp) // if this fails, the next tidy removes it
			return err
		}
		return nil
	}
	return fmt.Errorf("symlink %q: no unused temporary name", name)
}

func (g *Gate) exists(name string) bool {
	_, err := g.disk.root.Lstat(name)
	return err == nil
}

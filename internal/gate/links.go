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

// swap leads all readers to a generation. The rename of ..data is the commit. A visible name always
// leads to a file: names that come lead straight into the new generation before the commit, names that
// go lead straight into the old one until they are removed after it. So a reader that lists the
// directory finds no dangling link at any time, whichever call was the last of a killed writer.
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
		// A network disk may do it and lose the answer: what readers see decides.
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

// settle makes the visible names those of the current generation, each leading through ..data.
func (g *Gate) settle() error {
	_, err := g.settled()
	return err
}

// settled says whether something had to be changed.
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

// visible are the links of ours at the top, with their targets. Whatever else is there is not ours.
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

// point makes a link, or replaces it at one stroke. The temporary name is unique, so that what a killed
// writer left is never in the way.
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
			_ = g.disk.remove(temp) // else the next tidy does
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

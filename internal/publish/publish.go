package publish

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"reloader/internal/snapshot"
)

// Publish makes the set the newest generation, atomically. When it fails before the swap, readers see
// the generation of before, whole. When the same files are published already, nothing is swapped.
func (g *Gate) Publish(ctx context.Context, set *snapshot.Set) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.publish(ctx, set)
	if isFull(err) {
		// Old generations are worth less than the new one.
		before := len(g.gens)
		if g.prune(1) == nil && len(g.gens) < before {
			err = g.publish(ctx, set)
		}
	}
	if err != nil {
		return fmt.Errorf("publish to gate %q: %w", g.dir, err)
	}
	return nil
}

func (g *Gate) publish(ctx context.Context, set *snapshot.Set) error {
	items, err := g.plan(set)
	if err != nil {
		return err
	}
	if err := g.tidy(); err != nil {
		return err
	}
	if g.isCurrent(set, items) {
		return nil
	}
	if err := g.collisions(items); err != nil {
		return err
	}
	gen, err := g.newGeneration(set.Digest)
	if err != nil {
		return err
	}
	if err := g.fill(ctx, gen, items); err != nil {
		// What is left after a failed clean-up has no note: the next tidy removes it.
		_ = g.disk.removeTree(gen.Name)
		return err
	}
	if err := g.commit(gen); err != nil {
		return err
	}
	if err := g.prune(g.opts.Keep); err != nil {
		return err
	}
	return g.sweep()
}

// isCurrent says whether readers see exactly these files.
func (g *Gate) isCurrent(set *snapshot.Set, items map[string]item) bool {
	if g.current == nil || g.current.Digest != set.Digest || len(items) != len(g.current.files) {
		return false
	}
	for name, it := range items {
		have, ok := g.current.files[name]
		if !ok || have.digest != it.file.Digest || have.mode != g.opts.FileMode {
			return false
		}
	}
	return true
}

// collisions refuses to replace what somebody else put into the directory.
func (g *Gate) collisions(items map[string]item) error {
	for name := range items {
		top, _, _ := strings.Cut(name, "/")
		info, err := g.disk.root.Lstat(top)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("stat %q: %w", top, cause(err))
		case info.Mode().Type() != fs.ModeSymlink:
			return fmt.Errorf("%q is in the way: it was not published by reloader; the gate needs a directory of its own", top)
		}
	}
	return nil
}

// newGeneration makes an empty directory with a name that was not used before.
func (g *Gate) newGeneration(digest snapshot.Digest) (*generation, error) {
	gen := &generation{Generation: Generation{Sequence: 1, Digest: digest}, files: map[string]entry{}}
	if n := len(g.gens); n > 0 {
		gen.Sequence = g.gens[n-1].Sequence + 1
	}
	now := time.Now().UTC()
	for i := range 1000 {
		gen.Name = fmt.Sprintf("%s.%09d", now.Format(layout), (now.Nanosecond()+i)%1e9)
		err := g.makeDir(gen.Name)
		if !errors.Is(err, fs.ErrExist) {
			return gen, err
		}
	}
	return nil, fmt.Errorf("find an unused name for a generation: %q and the 999 after it are taken", gen.Name)
}

// makeDir makes a directory that the server may search. The set-group-ID bit, which it got from its
// parent, stays.
func (g *Gate) makeDir(name string) error {
	if err := g.disk.mkdir(name); err != nil {
		return err
	}
	info, err := g.disk.root.Lstat(name)
	if err != nil {
		return fmt.Errorf("stat %q: %w", name, cause(err))
	}
	return g.disk.chmod(name, dirMode(g.opts.FileMode)|info.Mode()&fs.ModeSetgid)
}

// fill brings the files and the note of a generation to the disk. The note comes last: it says that
// the generation is complete.
func (g *Gate) fill(ctx context.Context, gen *generation, items map[string]item) error {
	dirs := []string{gen.Name}
	made := map[string]bool{".": true}
	var written []string
	for _, name := range sortedKeys(items) {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, dir := range parents(name) {
			if made[dir] {
				continue
			}
			if err := g.makeDir(path.Join(gen.Name, dir)); err != nil {
				return err
			}
			made[dir] = true
			dirs = append(dirs, path.Join(gen.Name, dir))
		}
		linked, err := g.put(gen, name, items[name])
		if err != nil {
			return err
		}
		if !linked {
			written = append(written, path.Join(gen.Name, name))
		}
	}
	// One after the other here and not at each write: the first one takes most of the others' work along.
	for _, name := range slices.Concat(written, dirs, []string{"."}) {
		if err := g.disk.sync(name); err != nil {
			return err
		}
	}
	gen.tree = treeDigest(gen.files)
	return g.writeNote(gen)
}

// parents are the directories above a name, outermost first.
func parents(name string) []string {
	var out []string
	for i, c := range name {
		if c == '/' {
			out = append(out, name[:i])
		}
	}
	return out
}

// put makes one file of a generation: a hard link to the current generation's when that is the same
// file, else a new one.
func (g *Gate) put(gen *generation, name string, it item) (linked bool, err error) {
	full := path.Join(gen.Name, name)
	gen.Files++
	if have, ok := g.reusable(name, it.file.Digest); ok {
		// Some file systems have no hard links, and each has a limit of links to one file: then it is written.
		if g.disk.link(path.Join(g.current.Name, name), full) == nil {
			gen.Linked++
			gen.files[name] = have
			return true, nil
		}
	}
	data, err := g.contents(name, it)
	if err != nil {
		return false, err
	}
	if err := g.disk.write(full, data, g.opts.FileMode); err != nil {
		return false, err
	}
	info, err := g.disk.root.Lstat(full)
	if err != nil {
		return false, fmt.Errorf("stat %q: %w", full, cause(err))
	}
	gen.Written += int64(len(data))
	gen.files[name] = entry{digest: it.file.Digest, size: int64(len(data)), mode: g.opts.FileMode, modTime: info.ModTime()}
	return false, nil
}

// reusable says whether the current generation has the same file, untouched since it was written or checked.
func (g *Gate) reusable(name string, digest snapshot.Digest) (entry, bool) {
	if g.current == nil {
		return entry{}, false
	}
	have, ok := g.current.files[name]
	if !ok || have.digest != digest || have.mode != g.opts.FileMode {
		return entry{}, false
	}
	info, err := g.disk.root.Lstat(path.Join(g.current.Name, name))
	if err != nil || !info.Mode().IsRegular() || info.Size() != have.size ||
		info.Mode().Perm() != have.mode || !info.ModTime().Equal(have.modTime) {
		return entry{}, false
	}
	return have, true
}

// contents are the bytes that were hashed, or the same bytes out of the current generation when the
// snapshot has forgotten them.
func (g *Gate) contents(name string, it item) ([]byte, error) {
	if data, ok := it.from.Bytes(it.file.Name); ok {
		return data, nil
	}
	if g.current != nil && g.current.files[name].digest == it.file.Digest {
		data, err := g.disk.read(path.Join(g.current.Name, name))
		if err == nil && sha256.Sum256(data) == it.file.Digest {
			return data, nil
		}
	}
	return nil, fmt.Errorf("source %q, file %q: its contents are not in memory any more", it.from.Source.Name, it.file.Name)
}

// commit leads the readers to a complete generation.
func (g *Gate) commit(gen *generation) error {
	g.gens = append(g.gens, gen)
	err := g.swap(gen)
	if err != nil && g.current != gen && (g.current == nil || g.settle() == nil) {
		_ = g.drop(gen) // readers were never led to it; else the next Open removes it
	}
	return err
}

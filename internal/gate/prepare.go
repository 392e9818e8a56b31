package gate

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"reloader/internal/snapshot"
)

// prepare writes a complete generation to the disk. Readers are not switched to it yet.
func (g *Gate) prepare(ctx context.Context, digest snapshot.Digest, items map[string]item) (*generation, error) {
	b := &builder{g: g, items: items, dirs: map[string]bool{}}
	defer b.close()
	if err := b.begin(digest); err != nil {
		return nil, err
	}
	err := b.fill(ctx)
	if err == nil {
		b.gen.tree = treeDigest(b.gen.files)
		// The note comes last: it marks the generation as complete.
		err = g.writeNote(b.gen)
	}
	if err != nil {
		// If the clean-up fails, the rest has no note and the next sweep removes it.
		_ = g.disk.removeTree(b.gen.Name)
		return nil, err
	}
	return b.gen, nil
}

// builder makes one generation.
type builder struct {
	g     *Gate
	gen   *generation
	items map[string]item
	// dirs are the directories that exist, by name below the generation.
	dirs map[string]bool
	// unsynced are the files and directories that changed since the last sync.
	unsynced []string
	// current checks files of the current generation before they are linked; nil when there is none.
	current *unchanged
}

func (b *builder) close() { b.current.close() }

// begin makes the generation's directory. It reuses that of the oldest generation if that one would be removed
// anyway: then the work grows with the change and not with the tree. The old generation and its name
// are given up first, so that no reader gets from an old name to new files.
func (b *builder) begin(digest snapshot.Digest) error {
	b.gen = &generation{Generation: Generation{Sequence: 1, Digest: digest}, files: map[string]entry{}}
	if n := len(b.g.gens); n > 0 {
		b.gen.Sequence = b.g.gens[n-1].Sequence + 1
	}
	old := b.g.outgoing()
	if old != nil {
		b.g.unlist(old)
		if err := b.g.forget(old.Name); err != nil {
			return err
		}
	}
	now := time.Now().UTC()
	for i := range 1000 {
		b.gen.Name = fmt.Sprintf("%s.%09d", now.Format(layout), (now.Nanosecond()+i)%1e9)
		if b.g.exists(b.gen.Name) {
			continue
		}
		if old == nil {
			return b.makeDir(".")
		}
		err := b.takeOver(old)
		if err == nil {
			return nil
		}
		// Something in it cannot be removed. Continue without it; the next sweep reports it.
		b.g.noteUnremoved(err)
		old, b.unsynced = nil, nil
		b.gen.files, b.dirs = map[string]entry{}, map[string]bool{}
	}
	return fmt.Errorf("find an unused name for a generation: %q and the 999 before it are taken", b.gen.Name)
}

// outgoing returns a generation that the next prune would remove and whose files are known, or nil.
func (g *Gate) outgoing() *generation {
	if len(g.gens) < g.opts.Keep {
		return nil
	}
	last := g.lastAccepted()
	for _, gen := range g.gens {
		if gen != g.current && gen != last && gen.files != nil {
			return gen
		}
	}
	return nil
}

// takeOver renames an old generation and removes from it what the new one does not have.
func (b *builder) takeOver(old *generation) error {
	if err := b.g.disk.rename(old.Name, b.gen.Name); err != nil {
		return err
	}
	w, err := b.g.unchangedIn(b.gen.Name)
	if err != nil {
		return err
	}
	defer w.close()
	wanted := map[string]bool{}
	for name := range b.items {
		for _, dir := range parents(name) {
			wanted[dir] = true
		}
	}
	return b.removeUnwanted(".", wanted, func(name string) bool {
		have, known := old.files[name]
		want, ok := b.items[name]
		if !known || !ok || !b.same(have, want) || !w.is(name, have) {
			return false
		}
		b.gen.files[name] = have
		return true
	})
}

// removeUnwanted removes from a directory what the new generation does not have, whoever put it there. It also sets
// the directory's mode, which may have changed since the directory was made.
func (b *builder) removeUnwanted(dir string, wanted map[string]bool, keep func(name string) bool) error {
	b.dirs[dir] = true
	if err := b.giveMode(dir); err != nil {
		return err
	}
	entries, err := b.g.disk.list(path.Join(b.gen.Name, dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() && wanted[name] {
			err = b.removeUnwanted(name, wanted, keep)
		} else if !keep(name) {
			b.unsynced = append(b.unsynced, dir)
			err = b.g.disk.removeAll(path.Join(b.gen.Name, name), e.IsDir())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// makeDir makes a directory that the server may search.
func (b *builder) makeDir(name string) error {
	full := path.Join(b.gen.Name, name)
	if err := b.g.disk.mkdir(full); err != nil {
		return err
	}
	b.dirs[name] = true
	b.unsynced = append(b.unsynced, path.Dir(name))
	return b.giveMode(name)
}

// giveMode lets those search a directory who may read the files. The inherited set-group-ID bit stays.
func (b *builder) giveMode(name string) error {
	full := path.Join(b.gen.Name, name)
	info, err := b.g.disk.root.Lstat(full)
	if err != nil {
		return fmt.Errorf("stat %q: %w", full, cause(err))
	}
	want := dirMode(b.g.opts.FileMode) | info.Mode()&fs.ModeSetgid
	if info.Mode()&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) == want {
		return nil
	}
	b.unsynced = append(b.unsynced, name)
	return b.g.disk.chmod(full, want)
}

// fill adds what is missing and syncs everything that changed.
func (b *builder) fill(ctx context.Context) error {
	if b.g.current != nil {
		var err error
		if b.current, err = b.g.unchangedIn(b.g.current.Name); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(b.items) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, ok := b.gen.files[name]; ok {
			continue
		}
		for _, dir := range parents(name) {
			if !b.dirs[dir] {
				if err := b.makeDir(dir); err != nil {
					return err
				}
			}
		}
		if err := b.put(name, b.items[name]); err != nil {
			return err
		}
	}
	b.gen.Files = len(b.gen.files)
	return b.sync(ctx)
}

// sync comes after all writes, not after each: the first call does most of the work of the others.
func (b *builder) sync(ctx context.Context) error {
	slices.Sort(b.unsynced)
	for _, name := range slices.Compact(b.unsynced) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.g.disk.sync(path.Join(b.gen.Name, name)); err != nil {
			return err
		}
	}
	return b.g.disk.sync(".")
}

// put makes one file: a hard link to the same file of the current generation if there is one, else a new file.
func (b *builder) put(name string, it item) error {
	full := path.Join(b.gen.Name, name)
	b.unsynced = append(b.unsynced, path.Dir(name))
	if b.current != nil {
		have, ok := b.g.current.files[name]
		// If the link fails, the file is written: some file systems have no hard links, and all limit their number per file.
		if ok && b.same(have, it) && b.current.is(name, have) &&
			b.g.disk.link(path.Join(b.g.current.Name, name), full) == nil {
			b.gen.files[name] = have
			return nil
		}
	}
	data, err := b.contents(name, it)
	if err != nil {
		return err
	}
	if err := b.g.disk.write(full, data, b.g.opts.FileMode); err != nil {
		return err
	}
	info, err := b.g.disk.root.Lstat(full)
	if err != nil {
		return fmt.Errorf("stat %q: %w", full, cause(err))
	}
	b.gen.Written += int64(len(data))
	b.gen.Fresh++
	b.gen.files[name] = entry{digest: it.file.Digest, size: int64(len(data)), mode: b.g.opts.FileMode, modTime: info.ModTime()}
	b.unsynced = append(b.unsynced, name)
	return nil
}

// same reports whether a published file is the one to publish.
func (b *builder) same(have entry, want item) bool {
	return have.digest == want.file.Digest && have.mode == b.g.opts.FileMode
}

// contents returns the bytes that were hashed. When the snapshot has forgotten them, it reads the same bytes
// from the current generation.
func (b *builder) contents(name string, it item) ([]byte, error) {
	if data, ok := it.from.Bytes(it.file.Name); ok {
		return data, nil
	}
	if g := b.g; g.current != nil && g.current.files[name].digest == it.file.Digest {
		data, err := g.disk.read(path.Join(g.current.Name, name), it.file.Size)
		if err == nil && sha256.Sum256(data) == it.file.Digest {
			return data, nil
		}
	}
	return nil, fmt.Errorf("source %q, file %q: its contents are no longer in memory", it.from.Source.Name, it.file.Name)
}

// parents returns the directories above a name, outermost first.
func parents(name string) []string {
	var out []string
	for i, c := range name {
		if c == '/' {
			out = append(out, name[:i])
		}
	}
	return out
}

package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"reloader/internal/snapshot"
)

// Publish makes the set the newest generation, atomically. If it fails before the swap, readers still see
// the complete previous generation. If the same files are already published, it swaps nothing.
func (g *Gate) Publish(ctx context.Context, set *snapshot.Set) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.show()
	err := g.heal()
	if err == nil {
		err = g.publish(ctx, set)
	}
	if isFull(err) {
		// Old generations are worth less than the new one.
		before := len(g.gens)
		g.noteUnremoved(g.prune(1))
		if len(g.gens) < before {
			err = g.publish(ctx, set)
		}
	}
	if err != nil {
		return fmt.Errorf("publish to %q: %w", g.dir, err)
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
	gen, err := g.prepare(ctx, set.Digest, items)
	if err != nil {
		return err
	}
	if err := g.commit(gen); err != nil {
		return err
	}
	g.noteUnremoved(errors.Join(g.prune(g.opts.Keep), g.sweep()))
	return nil
}

// isCurrent reports whether readers see exactly these files.
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

// collisions returns an error for anything in the way that someone else put into the directory.
func (g *Gate) collisions(items map[string]item) error {
	for name := range items {
		top, _, _ := strings.Cut(name, "/")
		info, err := g.disk.root.Lstat(top)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("stat %q: %w", top, cause(err))
		case info.Mode().Type() != fs.ModeSymlink:
			return fmt.Errorf("%q is in the way: reloader did not publish it; use an empty directory", top)
		}
	}
	return nil
}

// commit switches readers to a complete generation.
func (g *Gate) commit(gen *generation) error {
	g.gens = append(g.gens, gen)
	err := g.swap(gen)
	if err != nil && g.current != gen && (g.current == nil || g.settle() == nil) {
		_ = g.drop(gen) // readers never saw it; if this fails, the next Open removes it
	}
	return err
}

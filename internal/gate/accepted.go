package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"reloader/internal/snapshot"
)

// Accept marks a published digest as good: the server was proven to run it. The mark survives restarts.
func (g *Gate) Accept(digest snapshot.Digest) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.show()
	if err := g.heal(); err != nil {
		return fmt.Errorf("accept %s in gate %q: %w", digest.Short(), g.dir, err)
	}
	gen := g.byDigest(digest)
	switch {
	case gen == nil:
		return fmt.Errorf("accept %s in gate %q: no such generation", digest.Short(), g.dir)
	case gen.Accepted:
		return nil
	}
	mark := path.Join(stateDir, gen.Name+accepted)
	if err := g.disk.write(mark, nil, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("accept %s in gate %q: %w", digest.Short(), g.dir, err)
	}
	if err := g.disk.sync(stateDir); err != nil {
		return fmt.Errorf("accept %s in gate %q: %w", digest.Short(), g.dir, err)
	}
	gen.Accepted = true
	g.noteUnremoved(g.prune(g.opts.Keep))
	return nil
}

// byDigest prefers the current generation, then the newest.
func (g *Gate) byDigest(digest snapshot.Digest) *generation {
	if g.current != nil && g.current.Digest == digest {
		return g.current
	}
	for _, gen := range slices.Backward(g.gens) {
		if gen.Digest == digest {
			return gen
		}
	}
	return nil
}

// lastAccepted is the newest generation that the server was proven to run, or nil.
func (g *Gate) lastAccepted() *generation {
	for _, gen := range slices.Backward(g.gens) {
		if gen.Accepted {
			return gen
		}
	}
	return nil
}

// Rollback publishes the newest accepted generation that is not among the refused ones, and removes newer
// generations. A downgraded server may refuse what its newer version accepted. Rollback returns the digest that
// readers see afterwards. If no such generation is left, it changes nothing and returns the zero Digest.
// It writes no file, so it works on a full disk.
func (g *Gate) Rollback(ctx context.Context, refused ...snapshot.Digest) (snapshot.Digest, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.show()
	if err := g.heal(); err != nil {
		return snapshot.Digest{}, fmt.Errorf("roll back gate %q: %w", g.dir, err)
	}
	for _, gen := range slices.Backward(g.gens) {
		if err := ctx.Err(); err != nil {
			return snapshot.Digest{}, fmt.Errorf("roll back gate %q: %w", g.dir, err)
		}
		if !gen.Accepted || slices.Contains(refused, gen.Digest) {
			continue
		}
		err := g.inspect(gen)
		if err != nil && !lacking(err) {
			continue // a generation that someone changed is not what the server accepted
		}
		if err == nil {
			err = g.rollbackTo(gen)
		}
		if err != nil {
			return snapshot.Digest{}, fmt.Errorf("roll back gate %q to %s: %w", g.dir, gen.Digest.Short(), err)
		}
		return gen.Digest, nil
	}
	return snapshot.Digest{}, nil
}

func (g *Gate) rollbackTo(good *generation) error {
	if err := g.swap(good); err != nil {
		return err
	}
	g.noteUnremoved(g.dropNewer())
	return nil
}

// dropNewer removes the generations after the current one: they were refused, or the writer was killed before it
// switched readers to them.
func (g *Gate) dropNewer() error {
	var errs []error
	for _, gen := range slices.Clone(g.gens) {
		if gen.Sequence > g.current.Sequence {
			errs = append(errs, g.drop(gen))
		}
	}
	return errors.Join(errs...)
}

// prune removes old generations until at most keep are left.
func (g *Gate) prune(keep int) error {
	last := g.lastAccepted()
	var errs []error
	for _, gen := range slices.Clone(g.gens) {
		if len(g.gens) > keep && gen != g.current && gen != last {
			errs = append(errs, g.drop(gen))
		}
	}
	return errors.Join(errs...)
}

// noteUnremoved reports once what could not be removed. That never fails a publication: what readers see is right, and
// each later call tries again.
func (g *Gate) noteUnremoved(err error) {
	text := ""
	if err != nil {
		text = err.Error()
		if text != g.unremoved {
			g.repaired("could not remove old generations: %v", err)
		}
	}
	g.unremoved = text
}

// drop removes one generation that ..data does not point to. The next sweep removes what it could not.
func (g *Gate) drop(gen *generation) error {
	g.unlist(gen)
	if err := g.forget(gen.Name); err != nil {
		return err
	}
	return g.disk.removeTree(gen.Name)
}

// unlist removes a generation from the list only, not from the disk.
func (g *Gate) unlist(gen *generation) {
	g.gens = slices.DeleteFunc(g.gens, func(o *generation) bool { return o == gen })
}

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
	if err := g.prune(g.opts.Keep); err != nil {
		return fmt.Errorf("accept %s in gate %q: %w", digest.Short(), g.dir, err)
	}
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

// LastAccepted is the digest that Rollback would go back to; the zero Digest when there is none.
func (g *Gate) LastAccepted() snapshot.Digest {
	g.mu.Lock()
	defer g.mu.Unlock()
	if gen := g.lastAccepted(); gen != nil {
		return gen.Digest
	}
	return snapshot.Digest{}
}

// Rollback publishes the last accepted generation again that is none of the refused ones, and removes the
// newer ones. A server that was downgraded may refuse what its successor accepted. Rollback returns the digest
// that readers see then: the zero Digest when no such generation is left, in which case nothing changes.
// It writes no file, so it works on a full disk.
func (g *Gate) Rollback(ctx context.Context, refused ...snapshot.Digest) (snapshot.Digest, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, gen := range slices.Backward(g.gens) {
		if err := ctx.Err(); err != nil {
			return snapshot.Digest{}, fmt.Errorf("roll back gate %q: %w", g.dir, err)
		}
		// A generation that somebody changed is not what the server accepted.
		if !gen.Accepted || slices.Contains(refused, gen.Digest) || g.inspect(gen) != nil {
			continue
		}
		if err := g.rollbackTo(gen); err != nil {
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
	return g.dropNewer()
}

// dropNewer removes the generations after the current one: they were refused, or a killed writer never
// led readers to them.
func (g *Gate) dropNewer() error {
	for _, gen := range slices.Clone(g.gens) {
		if gen.Sequence > g.current.Sequence {
			if err := g.drop(gen); err != nil {
				return err
			}
		}
	}
	return nil
}

// prune removes old generations until at most keep are left.
func (g *Gate) prune(keep int) error {
	last := g.lastAccepted()
	for _, gen := range slices.Clone(g.gens) {
		if len(g.gens) <= keep {
			return nil
		}
		if gen == g.current || gen == last {
			continue
		}
		if err := g.drop(gen); err != nil {
			return err
		}
	}
	return nil
}

// drop removes one generation that no reader is led to. What it cannot remove is left to the next sweep.
func (g *Gate) drop(gen *generation) error {
	g.lose(gen)
	if err := g.forget(gen.Name); err != nil {
		return err
	}
	return g.disk.removeTree(gen.Name)
}

// lose drops a generation from the list alone.
func (g *Gate) lose(gen *generation) {
	g.gens = slices.DeleteFunc(g.gens, func(o *generation) bool { return o == gen })
}

package gate

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"reloader/internal/snapshot"
)

// repair brings the directory into the state in which this process would have left it.
func (g *Gate) repair() error {
	gens, err := g.readNotes()
	if err != nil {
		return err
	}
	g.gens = gens
	if err := g.findCurrent(); err != nil {
		return err
	}
	if err := g.tidy(); err != nil {
		return err
	}
	var err2 error
	if g.current != nil {
		err2 = g.dropNewer()
	}
	g.noteUnremoved(errors.Join(err2, g.prune(g.opts.Keep)))
	return nil
}

// findCurrent finds the generation that readers see. If it is damaged, it switches them to the newest good one.
func (g *Gate) findCurrent() error {
	target := g.disk.readlink(snapshot.DataLink)
	i := slices.IndexFunc(g.gens, func(gen *generation) bool { return gen.Name == target })
	if i < 0 && target == "" && len(g.gens) == 0 {
		return nil // a new directory
	}
	if i < 0 && g.exists(target) {
		// Someone else's generation, as in a directory that reloader never wrote. Readers keep seeing it
		// until something is published.
		return nil
	}
	if i >= 0 {
		err := g.inspect(g.gens[i])
		if err == nil {
			g.current = g.gens[i]
			return nil
		}
		if lacking(err) {
			return err
		}
		g.repaired("generation %q is damaged: %v", target, err)
	}
	return g.retreat(target)
}

// retreat switches readers to the newest accepted generation that is intact, else to the newest intact one.
// If there is none, everything stays as it is until something is published.
func (g *Gate) retreat(from string) error {
	order := slices.Clone(g.gens)
	slices.SortStableFunc(order, func(a, b *generation) int {
		if a.Accepted != b.Accepted {
			if a.Accepted {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Sequence, a.Sequence)
	})
	for _, gen := range order {
		if gen.Name == from {
			continue
		}
		if err := g.inspect(gen); lacking(err) {
			return err
		} else if err != nil {
			continue
		}
		if err := g.swap(gen); err != nil {
			return err
		}
		g.repaired("readers were sent to %q instead of %q", gen.Name, from)
		break
	}
	// The damaged one must never count as good again.
	for _, gen := range slices.Clone(g.gens) {
		if gen.Name == from {
			g.unlist(gen)
			if err := g.forget(gen.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// tidy corrects the visible names and removes what no complete generation needs. It is cheap
// when there is nothing to do.
func (g *Gate) tidy() error {
	links := g.sweepLinks()
	// Before directories are removed: a visible name may link straight into one of them.
	if g.current != nil {
		changed, err := g.settled()
		if err != nil {
			return err
		}
		if changed {
			g.repaired("corrected the visible links")
		}
	}
	g.noteUnremoved(errors.Join(links, g.sweep()))
	return nil
}

// sweepLinks removes temporary links.
func (g *Gate) sweepLinks() error {
	entries, err := g.disk.list(".")
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempMark) {
			if err := g.disk.remove(e.Name()); err != nil {
				errs = append(errs, err)
				continue
			}
			g.repaired("removed the temporary link %q", e.Name())
		}
	}
	return errors.Join(errs...)
}

// sweep removes notes and directories of generations that are not known to be complete. Notes go first,
// so that nothing half removed looks complete.
func (g *Gate) sweep() error {
	if err := g.sweepNotes(); err != nil {
		return err
	}
	entries, err := g.disk.list(".")
	if err != nil {
		return err
	}
	target := g.disk.readlink(snapshot.DataLink)
	var errs []error
	for _, e := range entries {
		if name := e.Name(); isGeneration(name) && name != target && !g.known(name) {
			if err := g.disk.removeTree(name); err != nil {
				errs = append(errs, err)
				continue
			}
			g.repaired("removed the incomplete generation %q", name)
		}
	}
	return errors.Join(errs...)
}

// sweepNotes removes notes that belong to no known generation, including half-written ones.
func (g *Gate) sweepNotes() error {
	entries, err := g.disk.list(stateDir)
	if err != nil {
		return err
	}
	removed := false
	for _, e := range entries {
		name := path.Join(stateDir, e.Name())
		if name == lockName || name == refusedName || name == historyName || g.known(strings.TrimSuffix(e.Name(), accepted)) {
			continue
		}
		if err := g.disk.removeTree(name); err != nil {
			return err
		}
		removed = true
		g.repaired("removed %q, which belongs to no generation", name)
	}
	if removed {
		return g.disk.sync(stateDir)
	}
	return nil
}

func (g *Gate) known(name string) bool {
	return slices.ContainsFunc(g.gens, func(gen *generation) bool { return gen.Name == name })
}

func (g *Gate) repaired(format string, args ...any) {
	if g.opts.Repaired != nil {
		g.opts.Repaired(fmt.Sprintf(format, args...))
	}
}

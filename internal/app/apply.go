package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"reloader/internal/config"
	"reloader/internal/publish"
)

// apply puts new contents of our own file into use. Everything that can fail comes first:
// after an error, what ran before still runs.
func (a *App) apply(ctx context.Context, data []byte) error {
	next, err := a.o.Load(data)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	changes := config.Diff(a.cfg, next)
	for name := range a.dead {
		// It may be the same as before, and has to be made again.
		if _, stays := next.Target(name); stays && !slices.Contains(changes.Changed, name) {
			changes.Changed = append(changes.Changed, name)
		}
	}
	if len(changes.Frozen) > 0 {
		return fmt.Errorf("%s: cannot be changed while running; restart reloader", strings.Join(changes.Frozen, ", "))
	}
	if err := a.swap(ctx, next, changes); err != nil {
		return err
	}
	a.noteFrozenMounts(next.Targets)
	setLevel(a.level, next.LogLevel)
	a.cfg = next
	a.log.Info("our own configuration file is in use", "added", changes.Added, "changed", changes.Changed, "removed", changes.Removed)
	return nil
}

// swap replaces the targets that changed. When one of the new ones cannot be made, the old ones go on.
func (a *App) swap(ctx context.Context, next config.Config, changes config.Changes) error {
	going := slices.Concat(changes.Changed, changes.Removed)
	built := map[string]*unit{}
	halted := false
	for _, name := range slices.Concat(changes.Changed, changes.Added) {
		t, _ := next.Target(name)
		u, err := a.build(next, t)
		if errors.Is(err, publish.ErrLocked) && !halted {
			// Two targets must not hold one gate: the one that holds it may be going.
			a.halt(going)
			halted = true
			u, err = a.build(next, t)
		}
		if err != nil {
			for _, other := range built {
				err = errors.Join(err, other.stop(stopTargets))
			}
			if halted {
				err = errors.Join(err, a.restore(ctx, going))
			}
			return err
		}
		built[name] = u
	}
	if !halted {
		a.halt(going)
	}
	for _, name := range changes.Removed {
		delete(a.units, name)
		delete(a.dead, name)
		a.tracker.Remove(name)
	}
	for name, u := range built {
		a.adopt(ctx, name, u)
	}
	return nil
}

func (a *App) halt(names []string) {
	for _, name := range names {
		if err := a.units[name].stop(stopTargets); err != nil {
			a.log.Warn("a changed or removed target did not stop cleanly", "target", name, "err", err)
		}
	}
}

// restore makes halted targets again as they were.
func (a *App) restore(ctx context.Context, names []string) error {
	var errs []error
	for _, name := range names {
		t, _ := a.cfg.Target(name)
		u, err := a.build(a.cfg, t)
		if err != nil {
			a.dead[name] = true
			errs = append(errs, fmt.Errorf("it cannot go on as before: %w", err))
			continue
		}
		a.adopt(ctx, name, u)
	}
	return errors.Join(errs...)
}

// adopt starts a unit under its name.
func (a *App) adopt(ctx context.Context, name string, u *unit) {
	delete(a.dead, name)
	a.units[name] = u
	a.track(u)
	u.start(ctx)
}

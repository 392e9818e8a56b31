package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"reloader/internal/config"
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

// swap replaces the targets that changed. Two targets must not hold one gate, so that a
// changed one stops before its successor opens it; when that fails the old one is made again.
func (a *App) swap(ctx context.Context, next config.Config, changes config.Changes) error {
	added, err := a.buildAll(next, changes.Added)
	if err != nil {
		return err
	}
	for _, name := range changes.Changed {
		if err := a.replace(ctx, next, name); err != nil {
			for _, u := range added {
				err = errors.Join(err, u.stop(stopTargets))
			}
			return err
		}
	}
	for _, name := range changes.Removed {
		if err := a.units[name].stop(stopTargets); err != nil {
			a.log.Warn("a removed target did not stop cleanly", "target", name, "err", err)
		}
		delete(a.units, name)
		a.tracker.Remove(name)
	}
	for name, u := range added {
		a.adopt(ctx, name, u)
	}
	return nil
}

// buildAll makes all units or none.
func (a *App) buildAll(cfg config.Config, names []string) (map[string]*unit, error) {
	built := map[string]*unit{}
	for _, name := range names {
		t, _ := cfg.Target(name)
		u, err := a.build(cfg, t)
		if err != nil {
			for _, other := range built {
				err = errors.Join(err, other.stop(stopTargets))
			}
			return nil, err
		}
		built[name] = u
	}
	return built, nil
}

func (a *App) replace(ctx context.Context, next config.Config, name string) error {
	if err := a.units[name].stop(stopTargets); err != nil {
		a.log.Warn("a changed target did not stop cleanly", "target", name, "err", err)
	}
	t, _ := next.Target(name)
	u, err := a.build(next, t)
	if err == nil {
		a.adopt(ctx, name, u)
		return nil
	}
	before, _ := a.cfg.Target(name)
	old, again := a.build(a.cfg, before)
	if again != nil {
		return fmt.Errorf("%w; and the target cannot go on as before: %w", err, again)
	}
	a.adopt(ctx, name, old)
	return err
}

// adopt starts a unit under its name.
func (a *App) adopt(ctx context.Context, name string, u *unit) {
	a.units[name] = u
	a.track(u)
	u.start(ctx)
}

package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"reloader/internal/config"
	gates "reloader/internal/gate"
)

// apply puts new contents of our own file into use. Everything that can fail comes first:
// after an error, what ran before still runs. An ErrConfig says that no other try can help.
func (a *App) apply(ctx context.Context, data []byte) error {
	next, err := a.o.Load(data)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		return a.refuse(ctx, err)
	}
	changes := config.Diff(a.cfg, next)
	for name := range a.dead {
		// It may be the same as before, and has to be made again.
		if _, stays := next.Target(name); stays && !slices.Contains(changes.Changed, name) {
			changes.Changed = append(changes.Changed, name)
		}
	}
	if len(changes.Frozen) > 0 {
		return a.refuse(ctx, fmt.Errorf("%s: cannot be changed while running; restart reloader", strings.Join(changes.Frozen, ", ")))
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

// refuse marks an error of contents that stay wrong until they change. While a target is dead they are
// looked at again nevertheless, so that the target gets its tries.
func (a *App) refuse(ctx context.Context, err error) error {
	if len(a.dead) == 0 {
		return configError{err}
	}
	return errors.Join(err, a.restore(ctx, slices.Sorted(maps.Keys(a.dead))))
}

// swap replaces the targets that changed. When one of the new ones cannot be made, the old ones go on.
func (a *App) swap(ctx context.Context, next config.Config, changes config.Changes) error {
	going := slices.Concat(changes.Changed, changes.Removed)
	built := map[string]*unit{}
	giveUp := func(err error) error {
		for _, u := range built {
			err = errors.Join(err, u.stop(stopTargets))
		}
		return err
	}
	// Two targets must not hold one gate: those whose gate goes from hand to hand come last, when
	// nothing else can fail any more, because for them the old ones have to stop first.
	heirs := map[string]string{}
	for _, name := range slices.Concat(changes.Changed, changes.Added) {
		t, _ := next.Target(name)
		u, err := a.build(next, t)
		if errors.Is(err, gates.ErrLocked) {
			if holder := a.holder(t, going); holder != "" {
				if heir := heirs[holder]; heir != "" {
					return giveUp(fmt.Errorf("target %s: gate %s is the gate of target %s too", name, t.Gate.Path, heir))
				}
				heirs[holder] = name
				continue
			}
		}
		if err != nil {
			return giveUp(err)
		}
		built[name] = u
	}
	a.halt(going)
	for _, name := range heirs {
		t, _ := next.Target(name)
		u, err := a.build(next, t)
		if err != nil {
			err = giveUp(err) // first, so that no gate is held
			return errors.Join(err, a.restore(ctx, going))
		}
		built[name] = u
	}
	for _, name := range changes.Removed {
		delete(a.units, name)
		delete(a.dead, name)
		a.tracker.Remove(name)
		a.history.Remove(name)
	}
	for name, u := range built {
		a.adopt(ctx, name, u)
	}
	return nil
}

// holder is the one of these running targets that has the gate of t open; empty when another process has.
func (a *App) holder(t config.Target, names []string) string {
	want, err := os.Stat(t.Gate.Path)
	if err != nil {
		return ""
	}
	for _, name := range names {
		gate := a.units[name].cfg.Gate.Path
		if gate == "" || a.dead[name] {
			continue
		}
		if info, err := os.Stat(gate); err == nil && os.SameFile(info, want) {
			return name
		}
	}
	return ""
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

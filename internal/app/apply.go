package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"reloader/internal/config"
)

// apply puts new contents of reloader's own file into use. Everything that can fail comes first:
// after an error, what ran before still runs. An ErrConfig means that trying again is pointless. Only the goroutine that
// follows the file calls it.
func (a *App) apply(ctx context.Context, data []byte) error {
	next, err := a.o.Load(data)
	if err != nil {
		return configError{err}
	}
	changes := config.Diff(a.config(), next)
	if len(changes.Frozen) > 0 {
		return configError{fmt.Errorf("%s: cannot be changed while running; restart reloader", strings.Join(changes.Frozen, ", "))}
	}
	built := map[string]*unit{}
	for _, name := range slices.Concat(changes.Changed, changes.Added) {
		t, _ := next.Target(name)
		u, err := a.build(ctx, next, t, a.unit(name))
		if err != nil {
			for _, other := range built {
				other.handedOn = other.previous != nil
				other.release()
			}
			return err
		}
		built[name] = u
	}
	if !a.exchange(ctx, next, built, changes.Removed) {
		return context.Cause(ctx)
	}
	a.noteFrozenMounts(next.Targets)
	setLevel(a.level, next.LogLevel)
	a.log.Info("reloader's own configuration file is in use", "added", changes.Added, "changed", changes.Changed, "removed", changes.Removed)
	return nil
}

// exchange replaces old units by new ones and ends removed ones. It waits for none of them:
// each new unit waits for its own predecessor. It returns false when everything is stopping.
func (a *App) exchange(ctx context.Context, next config.Config, built map[string]*unit, removed []string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopping {
		for _, u := range built {
			u.handedOn = u.previous != nil
			u.release()
		}
		return false
	}
	a.leaving = slices.DeleteFunc(a.leaving, func(u *unit) bool {
		select {
		case <-u.done:
			return true
		default:
			return false
		}
	})
	for _, name := range removed {
		a.leave(name, false)
		a.tracker.Remove(name)
		a.history.Remove(name)
	}
	for name, u := range built {
		a.leave(name, u.gate != nil)
		a.units[name] = u
		a.track(u)
		u.start(ctx)
	}
	a.cfg = next
	return true
}

// leave ends the unit of that name, if there is one. With handOn, its gate stays open for another unit. The lock must be
// held.
func (a *App) leave(name string, handOn bool) {
	u, ok := a.units[name]
	if !ok {
		return
	}
	u.handedOn = handOn
	u.cancel()
	a.leaving = append(a.leaving, u)
	delete(a.units, name)
}

func (a *App) config() config.Config {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cfg
}

// unit returns the running unit of that name; nil when there is none.
func (a *App) unit(name string) *unit {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.units[name]
}

package driver

import "reloader/internal/reload"

// Inherit goes on where another driver for the same Grafana has stopped: a reload that is in flight there stays the only
// one, tries of a wrong password stay counted, and Grafana is not ended again for what it was ended for.
func (d *Driver) Inherit(from reload.Driver) {
	old, ok := from.(*Driver)
	if !ok {
		return
	}
	d.inFlight, d.done, d.settled, d.restarts, d.ended = old.inFlight, old.done, old.settled, old.restarts, old.ended
	d.expected, d.prunable, d.defaults, d.provided, d.detailed = old.expected, old.prunable, old.defaults, old.provided, old.detailed
	d.settings, d.saved = old.settings, old.saved
	d.version, d.life, d.answered, d.posts, d.patience, d.heal = old.version, old.life, old.answered, old.posts, old.patience, old.heal
	d.api.guard.identity, d.api.guard.failures, d.api.guard.last = old.api.guard.identity, old.api.guard.failures, old.api.guard.last
	d.life.connections = 0
	if d.life.start == 0 {
		// Our connection is another one, so that it tells nothing of a restart: it counts as one.
		d.life.number++
		d.life.cuts++
	}
}

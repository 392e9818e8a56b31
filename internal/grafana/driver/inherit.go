package driver

import "reloader/internal/reload"

// Inherit goes on where another driver for the same Grafana has stopped: a reload that is in flight there stays the only
// one, tries of a wrong password stay counted, and Grafana is not ended again for what it was ended for.
func (d *Driver) Inherit(from reload.Driver) {
	old, ok := from.(*Driver)
	if !ok {
		return
	}
	d.memory = old.memory
	d.api.guard = old.api.guard
	d.api.guard.now = d.o.Clock
	d.life.connections = 0
	if d.life.start == 0 {
		// Our connection is another one, so that it tells nothing of a restart: it counts as one.
		d.life.number++
		d.life.cuts++
	}
}

package driver

import "reloader/internal/reload"

// Inherit goes on where another driver for the same Prometheus has stopped: a reload whose answer never came stays
// awaited, so that no second one is sent into it.
func (d *Driver) Inherit(from reload.Driver) {
	old, ok := from.(*Driver)
	if !ok {
		return
	}
	d.pending, d.before, d.last, d.signalled = old.pending, old.before, old.last, old.signalled
}

package driver

import "reloader/internal/reload"

// Inherit continues where another driver for the same Prometheus stopped. If the answer to a reload is missing, the driver
// keeps waiting for the end of that reload and sends no second one in the meantime.
func (d *Driver) Inherit(from reload.Driver) {
	old, ok := from.(*Driver)
	if !ok {
		return
	}
	d.pending, d.before, d.last, d.signalled = old.pending, old.before, old.last, old.signalled
}

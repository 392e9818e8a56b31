package driver

import (
	"context"
	"strconv"
	"time"

	"reloader/internal/reload"
)

const (
	// sameSecond is how long after a load another one may have the same lastConfigTime, which has whole seconds.
	sameSecond = 2 * time.Second
	// againAfter delays the second comparison, so that it does not compete with changes in quick succession.
	againAfter = 3 * time.Second
)

// lookAgain compares once more if a proof was given within sameSecond of the load: a load right after it may have the same
// time as the proven one. If something differs, that counts as another load.
func (d *Driver) lookAgain(ctx context.Context, now runtime) {
	m := &d.memory
	if m.again == nil || time.Now().Before(m.againAt) {
		return
	}
	p := *m.again
	if now.epoch() != m.againOf.epoch() || now.load() != m.againOf.load() { // another load is noticed anyway
		m.again = nil
		return
	}
	l, f := d.look(ctx, p, reload.Proof{}, now)
	if f != nil {
		return // the next call tries again
	}
	m.again = nil
	if len(l.differences) > 0 {
		m.rulesLoad, m.jobsLoad = "", ""
		d.loads++
	}
}

// loadName identifies the load for the state machine, including loads that only lookAgain found.
func (d *Driver) loadName(r runtime) string {
	if d.loads == 0 {
		return r.load()
	}
	return r.load() + "/" + strconv.Itoa(d.loads)
}

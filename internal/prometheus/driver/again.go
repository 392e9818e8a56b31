package driver

import (
	"context"
	"strconv"
	"time"

	"reloader/internal/reload"
)

const (
	// sameSecond is within which time after a load another one may have the same lastConfigTime, which has whole seconds.
	sameSecond = 2 * time.Second
	// againAfter keeps the second comparison away from changes that follow quickly.
	againAfter = 3 * time.Second
)

// lookAgain compares once more after a proof that was given within the second of the load: a load that came right after it
// cannot be told from the proven one by its time. What differs then is seen as another load.
func (d *Driver) lookAgain(ctx context.Context, now runtime) {
	m := &d.memory
	if m.again == nil || time.Now().Before(m.againAt) {
		return
	}
	p := *m.again
	if now.epoch() != m.againOf.epoch() || now.load() != m.againOf.load() { // that is noticed anyway
		m.again = nil
		return
	}
	l, f := d.look(ctx, p, reload.Proof{}, now)
	if f != nil {
		return // the next look does it
	}
	m.again = nil
	if len(l.differences) > 0 {
		m.rulesLoad, m.jobsLoad = "", ""
		d.loads++
	}
}

// loadName names the load for those that notice others.
func (d *Driver) loadName(r runtime) string {
	if d.loads == 0 {
		return r.load()
	}
	return r.load() + "/" + strconv.Itoa(d.loads)
}

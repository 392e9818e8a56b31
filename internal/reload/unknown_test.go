package reload

import (
	"context"
	"testing"
	"time"
)

// After a successful reload, what runs is unknown until the server is asked: no files are reported to run, neither the old ones
// nor the new ones.
func TestNothingRunsUntilItIsAsked(t *testing.T) {
	t.Parallel()
	for _, gated := range []bool{false, true} {
		bubble(t, map[bool]string{false: "direct", true: "gated"}[gated], gated, func(b *bench, o *Options) {
			o.Driver = away{b.server}
		}, func(t *testing.T, b *bench) {
			b.want(InSync, "a")
			b.change("b")
			b.want(Retrying, "", "b")
			if st := b.target.Status(); st.Applied || st.Wanted != digestOf("b") {
				t.Errorf("status %+v", st)
			}
			sleep(time.Minute)
			if st := b.target.Status(); !st.Running.IsZero() || st.Phase == InSync {
				t.Errorf("later: %+v", st)
			}
			b.lock(func(p *prom) { p.down = false })
			sleep(time.Minute)
			b.want(InSync, "b", "b")
		})
	}
}

// away goes down after it has answered a reload.
type away struct{ *prom }

func (d away) Reload(ctx context.Context, p Plan) error {
	err := d.prom.Reload(ctx, p)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = true
	return err
}

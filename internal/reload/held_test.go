package reload

import (
	"context"
	"fmt"
	"runtime"
	"testing"
)

// After any number of changes (rejected, refused, good), a target keeps only two readings in memory: the newest one and the one
// that runs. The reading of a tree of 100,000 files takes 20 MB.
func TestOldReadingsAreFreed(t *testing.T) {
	t.Parallel()
	for _, gated := range []bool{false, true} {
		bubble(t, fmt.Sprintf("gated %v", gated), gated, func(b *bench, _ *Options) {
			b.server.refuses = func(text string) bool { return text[len(text)-1] == '7' }
		}, func(t *testing.T, b *bench) {
			for i := range 100 {
				text := fmt.Sprintf("odd %d", i)
				if i%3 == 0 {
					text = "bad"
				}
				b.change(text)
				quiet()
			}
			b.lock(func(p *prom) { p.plans = nil }) // the fakes remember everything
			b.judge.mu.Lock()
			b.judge.asked = nil
			b.judge.mu.Unlock()
			runtime.GC()
			runtime.GC()
			held := 0
			for _, set := range b.src.given {
				if set.Value() != nil {
					held++
				}
			}
			if n := len(b.src.given); n < 100 || held > 2 {
				t.Errorf("%d of %d readings are still in memory, want at most 2 of at least 100", held, n)
			}
		})
	}
}

// Callers of Look that have given up leave nothing behind, also while the target does nothing because a disk does not answer.
func TestLooksThatWereGivenUp(t *testing.T) {
	t.Parallel()
	stuck := &Target{lookDue: make(chan struct{}, 1)}
	given := make(chan struct{})
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { stuck.Look(ctx); given <- struct{}{} }()
		cancel()
	}
	for range 100 {
		<-given
	}
	if n := len(stuck.lookers); n > 0 {
		t.Errorf("%d callers are kept", n)
	}
}

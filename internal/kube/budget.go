package kube

import (
	"math/rand/v2"
	"time"
)

const (
	// patchBurst patches in a row may bring no new files; after that one is allowed per patchEvery. If a controller
	// changes an object's labels every other second, each version is new and the contents are the same, and metadata
	// does not show which of the two changed.
	patchBurst = 5
	patchEvery = time.Minute
	// patchJitter spreads the patches of many pods that follow one object.
	patchJitter = 250 * time.Millisecond
)

// budget limits the patches that bring no new files.
type budget struct {
	spent float64
	at    time.Time // when spent was computed
}

// take spends one patch and returns 0, or returns how long to wait for it.
func (b *budget) take(now time.Time) (wait time.Duration) {
	b.spent = max(0, b.spent-float64(now.Sub(b.at))/float64(patchEvery))
	b.at = now
	if b.spent > patchBurst-1 {
		return max(time.Millisecond, time.Duration((b.spent-(patchBurst-1))*float64(patchEvery)))
	}
	b.spent++
	return 0
}

// worked resets the budget because a patch brought new files.
func (b *budget) worked() { b.spent = 0 }

// jitter is a random duration from 0 to d; 0 if d is not positive.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

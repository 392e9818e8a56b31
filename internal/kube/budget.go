package kube

import (
	"math/rand/v2"
	"time"
)

const (
	// patchBurst is how many patches may follow each other that bring nothing, and patchEvery the time in which another
	// one is allowed then. An object whose labels some controller touches every other second has a new version each
	// time, and no new contents; metadata does not tell the two apart.
	patchBurst = 5
	patchEvery = time.Minute
	// patchJitter spreads the patches of many pods that follow one object.
	patchJitter = 250 * time.Millisecond
)

// budget is how many more patches may be sent.
type budget struct {
	spent float64
	at    time.Time // when spent was right
}

// take allows one patch, or says how long to wait for it.
func (b *budget) take(now time.Time) (wait time.Duration) {
	b.spent = max(0, b.spent-float64(now.Sub(b.at))/float64(patchEvery))
	b.at = now
	if b.spent > patchBurst-1 {
		return max(time.Millisecond, time.Duration((b.spent-(patchBurst-1))*float64(patchEvery)))
	}
	b.spent++
	return 0
}

// worked notes that a patch brought new files: then they are worth it.
func (b *budget) worked() { b.spent = 0 }

// jitter is a random part of d, from none to all of it.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

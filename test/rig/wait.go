package rig

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience limits every wait. Only a failure takes that long.
const Patience = 90 * time.Second

// Eventually polls until check returns nil, and ends the test with check's last error if that takes
// longer than Patience. Call it only from the test's own goroutine.
func Eventually(tb testing.TB, what string, check func() error) {
	tb.Helper()
	deadline := time.Now().Add(Patience)
	// Often at first, then less often, so that a long wait leaves the processor to the program that it waits for.
	for pause := 5 * time.Millisecond; ; pause = min(pause*5/4, 100*time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("not within %s: %s: %v", Patience, what, err)
		}
		select {
		case <-time.After(pause):
		case <-tb.Context().Done():
			tb.Fatalf("%s: %v", what, tb.Context().Err())
		}
	}
}

// Until is Eventually for a check without an error.
func Until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	Eventually(tb, what, func() error {
		if !ok() {
			return errNotYet
		}
		return nil
	})
}

var errNotYet = errors.New("not yet")

// Buffer is a log that can be read while it is written. The zero value is empty.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is everything that was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Has waits until the log has the text: a program writes it after its status has changed, and its pipe takes a moment.
func (b *Buffer) Has(tb testing.TB, text string) {
	tb.Helper()
	Eventually(tb, fmt.Sprintf("%q in the log", text), func() error {
		if !strings.Contains(b.String(), text) {
			return errors.New("not found")
		}
		return nil
	})
}

// WithoutRaces skips a long test under the race detector, which would find nothing: the test has one goroutine, or several
// that share nothing but the file system. `make test` also runs its package without the detector.
func WithoutRaces(tb testing.TB) {
	tb.Helper()
	if raced {
		tb.Skip("it shares no memory: make test runs it without the race detector")
	}
}

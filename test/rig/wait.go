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

// Patience bounds every wait; it is only ever reached by a failure.
const Patience = 90 * time.Second

// Eventually polls until check is content, and ends the test with check's last error when that takes
// longer than Patience. It belongs to the test's own goroutine.
func Eventually(tb testing.TB, what string, check func() error) {
	tb.Helper()
	deadline := time.Now().Add(Patience)
	// Often at first, and then seldom enough that a long wait leaves the processor to what is waited for.
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

// Until is Eventually for a check that has nothing to tell.
func Until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	Eventually(tb, what, func() error {
		if !ok() {
			return errNotYet
		}
		return nil
	})
}

var errNotYet = errors.New("it is not so")

// Buffer is a log that is read while others write it. The zero value is empty.
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

// String is all that was written so far.
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
			return errors.New("it is not there")
		}
		return nil
	})
}

// WithoutRaces skips a long test under the race detector that would find nothing: the test has one goroutine, or several
// that meet only in the file system. Its package is among those that make test runs without the detector.
func WithoutRaces(tb testing.TB) {
	tb.Helper()
	if raced {
		tb.Skip("it shares no memory: make test runs it without the race detector")
	}
}

package leaks

import (
	"testing"
	"time"
)

// A goroutine that is left behind is found by the code that it runs, until it has ended.
func TestOursFindsAGoroutine(t *testing.T) {
	hang, in := make(chan struct{}), make(chan struct{})
	before := len(ours())
	go func() { close(in); <-hang }()
	<-in
	if n := len(ours()); n != before+1 {
		t.Errorf("%d goroutines, want %d", n, before+1)
	}
	close(hang)
	for deadline := time.Now().Add(patience); len(ours()) != before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the goroutine counts although it has ended")
		}
	}
}

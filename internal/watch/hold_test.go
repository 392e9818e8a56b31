package watch

import (
	"testing"

	"github.com/fsnotify/fsnotify"
)

// TestHoldLosesNoEvent proves that an event that was received while too many are held already still causes its hint and is
// kept, and that no more are received.
func TestHoldLosesNoEvent(t *testing.T) {
	s := &Subscription{hints: make(chan struct{}, 1)}
	w := &Watcher{plan: newPlan(), held: make([]fsnotify.Event, maxHeld)}
	w.plan.node(dirID{ino: 1}, "/rules").subs[s] = struct{}{}
	ev := fsnotify.Event{Name: "/rules/..data", Op: fsnotify.Create}
	if more := w.hold(make(chan fsnotify.Event), ev, true); more != nil {
		t.Error("more events are received")
	}
	select {
	case <-s.C():
	default:
		t.Error("no hint")
	}
	if last := w.held[len(w.held)-1]; last != ev {
		t.Errorf("the event is not kept: the last one is %v", last)
	}
}

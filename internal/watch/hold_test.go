package watch

import (
	"testing"

	"github.com/fsnotify/fsnotify"
)

// TestHoldLosesNoEvent: an event that arrives when the limit of held events is reached still causes its hint and is kept. No
// more are received after it.
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

package reload

import (
	"testing"
	"time"

	"reloader/internal/snapshot"
)

// A gate whose directory someone has replaced gets the files again at the next look, although nothing else has changed:
// a server that starts reads there.
func TestReplacedGateIsWrittenAnew(t *testing.T) {
	bubble(t, "the directory is new, and empty", true, nil, func(t *testing.T, b *bench) {
		b.change("b")
		b.want(InSync, "b", "b")
		b.gate.mu.Lock()
		b.gate.current, b.gate.accepted = snapshot.Digest{}, nil
		b.gate.mu.Unlock()
		sleep(2 * time.Minute)
		if got := b.gate.text(); got != "b" {
			t.Errorf("the gate holds %q", got)
		}
		b.want(InSync, "b", "b")
	})
}

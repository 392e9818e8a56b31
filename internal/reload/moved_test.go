package reload

import (
	"testing"
	"time"
)

// Files that are written during every reload are loaded less and less often, in the end every 30 s, and reloader never claims to know
// what the server runs meanwhile. Once the writes stop, one more reload is enough.
func TestMovedDuringEveryReload(t *testing.T) {
	t.Parallel()
	s := synced()
	s.unread = true
	now := s.observeAt
	moved := true
	var last time.Time
	var pauses []time.Duration
	ev := event{kind: evRead, digest: file(0), atomic: true, moved: true}
	for range 400 {
		ev.at = now
		var a action
		s, a = step(s, ev)
		switch a.kind {
		case actWait:
			if s.phase == InSync {
				if moved {
					t.Fatal("in sync, and the server may have loaded other files")
				}
				if len(pauses) != 15 {
					t.Errorf("%d reloads: %v", len(pauses), pauses)
				}
				return
			}
			now = a.until
			ev = event{kind: evTimer}
		case actRead:
			ev = event{kind: evRead, digest: file(0), atomic: true, moved: moved && s.unread}
		case actObserve:
			ev = event{kind: evObserved, server: s.proven}
			ev.server.ready = true
		case actJudge:
			ev = event{kind: evJudged, digest: a.goal, valid: true}
		case actPlan:
			ev = event{kind: evPlanned, digest: a.goal, calls: true}
		case actConfirm:
			ev = event{kind: evConfirmed, digest: a.goal, reloaded: a.reloaded, proven: a.reloaded, server: s.seen}
		case actReload:
			if !last.IsZero() {
				pauses = append(pauses, now.Sub(last))
			}
			if last = now; len(pauses) == 14 {
				if p := pauses[13]; p != lastMovedWait {
					t.Errorf("the pauses do not grow to %s: %v", lastMovedWait, pauses)
				}
			}
			moved = len(pauses) < 15
			ev = event{kind: evReloaded, digest: a.goal}
		default:
			t.Fatalf("%v in phase %s", a, s.phase)
		}
	}
	t.Errorf("never in sync: phase %s, pauses %v", s.phase, pauses)
}

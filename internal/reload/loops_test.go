// The race detector would find nothing in a pure function, and takes eight times as long.

//go:build !race

package reload

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"reloader/internal/snapshot"
)

// adversary gives every possible answer to an action while no time passes and the source does not change. Each question may be
// answered by a different server (another start, load or version) and with a different outcome.
type adversary struct {
	t       *testing.T
	done    map[state]int // states that were followed to their waits, with the longest path there
	onPath  map[state]bool
	path    []string
	waits   []waiting
	longest int
	limit   int // of states
}

// waiting is a wait that was reached.
type waiting struct {
	state state
	until time.Time
}

var (
	theSource = file(4)
	theOthers = []server{
		{ready: true, epoch: "1", load: "1", version: "1"},
		{ready: true, epoch: "1", load: "2", version: "1"},
		{ready: true, epoch: "2", load: "1", version: "1"},
		{ready: true, epoch: "3", load: "1", version: "2"},
	}
)

// answers are all events that can follow the action.
func (v *adversary) answers(s *state, a action) []event {
	const delay = time.Second
	failed := func(k eventKind) event { return event{kind: k, failed: true, digest: a.goal, delay: delay} }
	var list []event
	switch a.kind {
	case actRead:
		list = append(list, failed(evRead), event{kind: evRead, digest: theSource, atomic: true})
		if s.stale && s.readable && s.wanted == theSource {
			list = append(list, event{kind: evRead, digest: theSource, atomic: true, same: true}, event{kind: evRead, digest: theSource, atomic: true, moved: true})
		}
	case actObserve:
		list = append(list, failed(evObserved), event{kind: evObserved, delay: delay})
		for _, o := range theOthers {
			list = append(list, event{kind: evObserved, server: o})
			if s.gated && s.published != file(0) {
				list = append(list, event{kind: evObserved, server: o, replaced: true, digest: file(0)})
			}
		}
	case actJudge:
		list = append(list, failed(evJudged), event{kind: evJudged, digest: a.goal}, event{kind: evJudged, digest: a.goal, valid: true})
	case actPlan:
		list = append(list, failed(evPlanned), event{kind: evPlanned, digest: a.goal}, event{kind: evPlanned, digest: a.goal, calls: true})
		if a.goal == s.wanted && s.contents && !s.rejected() { // as Target.planned has it
			list = append(list, event{kind: evJudged, digest: a.goal})
		}
	case actPublish:
		list = append(list, failed(evPublished), event{kind: evPublished, digest: a.goal})
	case actRollback:
		list = append(list, failed(evRolledBack), event{kind: evRolledBack})
		for _, d := range []snapshot.Digest{file(0), file(1)} {
			if !s.refused.has(d) {
				list = append(list, event{kind: evRolledBack, digest: d})
			}
		}
	case actReload:
		list = append(list, event{kind: evReloaded, digest: a.goal})
		for _, f := range []event{{refused: true, kept: true}, {refused: true}, {untouched: true, kept: true}, {broken: true}, {}} {
			f.kind, f.failed, f.digest, f.delay = evReloaded, true, a.goal, delay
			list = append(list, f)
		}
	case actConfirm, actLook:
		base := event{kind: evConfirmed, digest: a.goal, reloaded: a.reloaded, delay: delay, look: a.kind == actLook}
		if base.look {
			base.digest = s.running
		}
		none, fails, differs := base, base, base
		fails.failed, differs.mismatch = true, true
		list = append(list, none, fails, differs)
		if a.reloaded {
			refused := base
			refused.refused = true
			list = append(list, refused)
		}
		for _, o := range theOthers {
			proven := base
			proven.proven, proven.server = true, o
			list = append(list, proven)
		}
	case actAdopt:
		list = append(list, event{kind: evConfirmed, digest: a.goal, proven: true, server: s.seen})
	case actWait:
	}
	return list
}

// follow takes all paths from a state to the next wait, and returns the length of the longest.
func (v *adversary) follow(s state, a action, now time.Time) int {
	if a.kind == actWait {
		v.waits = append(v.waits, waiting{s, a.until})
		return 0
	}
	if n, ok := v.done[s]; ok {
		return n
	}
	if v.onPath[s] {
		v.t.Fatalf("a loop without a wait:\n%s", strings.Join(v.path, "\n"))
	}
	if len(v.path) > 200 {
		v.t.Fatalf("no wait within %d actions:\n%s", len(v.path), strings.Join(v.path, "\n"))
	}
	if len(v.done) >= v.limit {
		return 0
	}
	v.onPath[s] = true
	longest := 0
	for _, ev := range v.answers(&s, a) {
		ev.at = now
		next, act := step(s, ev)
		v.path = append(v.path, fmt.Sprintf("%s act %d goal %x: event %d digest %x failed %v refused %v mismatch %v proven %v calls %v valid %v server %v",
			s.phase, a.kind, a.goal[:1], ev.kind, ev.digest[:1], ev.failed, ev.refused, ev.mismatch, ev.proven, ev.calls, ev.valid, ev.server))
		longest = max(longest, 1+v.follow(next, act, now))
		v.path = v.path[:len(v.path)-1]
	}
	delete(v.onPath, s)
	v.done[s] = longest
	v.longest = max(v.longest, longest)
	return longest
}

// TestNoLoopWithoutAWait follows the paths on which answers lead the machine from one wait to the next, while no time passes and
// the source does not change: from reloader's start, and from waits that were reached. None may come back to a state it has
// passed: whatever the server, the gate and the validator answer, and however often they change their minds, the machine waits
// in the end. RELOADER_EXPLORE=9 follows all paths from the start, and more waits.
func TestNoLoopWithoutAWait(t *testing.T) {
	t.Parallel()
	limit := 25_000
	if os.Getenv("RELOADER_EXPLORE") != "" {
		limit = 2_000_000
	}
	for _, gated := range []bool{false, true} {
		t.Run(fmt.Sprintf("gated %v", gated), func(t *testing.T) {
			t.Parallel()
			timing := timing{
				gated: gated, settle: time.Second, settleMax: 5 * time.Second, spacing: time.Second,
				idle: 30 * time.Second, compare: 5 * time.Minute, recheck: time.Second, unproven: 2, patience: 2 * time.Minute,
			}
			v := &adversary{t: t, done: map[state]int{}, onPath: map[state]bool{}}
			held := []snapshot.Digest{{}} // what the gate holds at reloader's start
			if gated {
				held = append(held, file(0), theSource)
			}
			for _, published := range held {
				for _, accepted := range []snapshot.Digest{{}, published} {
					v.limit += limit / 12 // for each of six starts, and as much for what comes later
					s, a := step(newState(timing, published, accepted, refusals{}), event{kind: evStart, at: noon})
					v.follow(s, a, noon)
				}
			}
			for v.limit = limit; len(v.done) < limit && len(v.waits) > 0; {
				from := v.waits
				v.waits = nil
				for i := 0; i < len(from) && len(v.done) < limit; i += 1 + len(from)/200 {
					for _, ev := range []event{{kind: evTimer}, {kind: evHint}, {kind: evHint, manual: true}, {kind: evHint, look: true}} {
						ev.at = from[i].until
						s, a := step(from[i].state, ev)
						v.follow(s, a, ev.at)
					}
				}
			}
			t.Logf("%d states, at most %d actions to a wait", len(v.done), v.longest)
			if v.longest < 8 { // as many as any change takes
				t.Error("nothing was tried")
			}
		})
	}
}

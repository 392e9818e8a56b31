package reload

import (
	"testing"
	"time"

	"reloader/internal/snapshot"
)

var (
	noon = time.Unix(1_800_000_000, 0)
	here = server{ready: true, epoch: "1", load: "1", version: "3.15.0"}
)

// synced is a target at rest on file 0; file 4 is another valid one.
func synced(change ...func(*state)) state {
	s := state{
		timing: timing{settle: 100 * time.Millisecond, settleMax: time.Second, spacing: time.Second, idle: 30 * time.Second, recheck: time.Second, unproven: 3},
		phase:  InSync, readable: true, wanted: file(0), atomic: true, seen: here,
		observeAt: noon.Add(20 * time.Second), judged: file(0), judgedEpoch: "1", valid: true,
		planned: file(0), plannedEpoch: "1", calls: true, running: file(0), proof: proofStands, proven: here,
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func gated(s *state) { s.gated, s.published = true, s.running }

// moving is on the way to file 4: everything except the reload is done.
func moving(s *state) {
	s.phase, s.fresh, s.contents = Checking, true, true
	s.wanted, s.judged, s.planned = file(4), file(4), file(4)
	if s.gated {
		s.published = file(4)
	}
}

func refused(s *state) {
	s.refused = refusals{version: "3.15.0", epoch: "1"}
	s.refused.add(file(4), time.Time{})
}

// TestStep lists, for each named situation, the phase and the action that follow one event.
func TestStep(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) time.Time { return noon.Add(d) }
	wait := func(d time.Duration) action { return action{kind: actWait, until: in(d)} }
	for _, c := range []struct {
		name  string
		state state
		ev    event
		phase Phase
		act   action
	}{
		{"start reads", newState(timing{}, snapshot.Digest{}, snapshot.Digest{}, refusals{}), event{kind: evStart}, Starting, action{kind: actRead}},
		{"hint reads", synced(), event{kind: evHint}, InSync, action{kind: actRead}},
		{"equal digest stops", synced(), event{kind: evRead, digest: file(0), atomic: true}, InSync, wait(20 * time.Second)},
		{"swap needs no settling", synced(), event{kind: evRead, digest: file(4), atomic: true}, Checking, action{kind: actObserve}},
		{"plain change settles", synced(), event{kind: evRead, digest: file(4)}, Settling, wait(100 * time.Millisecond)},
		{
			"swap right after a reload is not held up", synced(func(s *state) { s.lastReload = in(-100 * time.Millisecond) }),
			event{kind: evRead, digest: file(4), atomic: true}, Checking, action{kind: actObserve},
		},
		{
			"a fix is not rejected because of what was there before", synced(func(s *state) {
				s.phase, s.wanted, s.judged, s.valid = Rejected, file(3), file(3), false
			}), event{kind: evRead, digest: file(4), atomic: true}, Checking, action{kind: actObserve},
		},
		{
			"swap right after two reloads is held up", synced(func(s *state) {
				s.reloadBefore, s.lastReload = in(-100*time.Millisecond), in(-50*time.Millisecond)
			}),
			event{kind: evRead, digest: file(4), atomic: true}, Settling, wait(900 * time.Millisecond),
		},
		{
			"hint while settling extends it", synced(func(s *state) {
				s.settling, s.atomic, s.settleUntil, s.settleBound = true, false, in(10*time.Millisecond), in(50*time.Millisecond)
			}), event{kind: evHint}, Settling, wait(50 * time.Millisecond),
		},
		{"missing source waits", synced(), event{kind: evRead, failed: true, delay: time.Second}, Waiting, wait(time.Second)},
		{"observed, then judged", synced(moving, func(s *state) { s.judged = file(0); s.fresh = false }), event{kind: evObserved, server: here}, Checking, action{kind: actJudge, goal: file(4)}},
		{"judged although the server is not ready", synced(moving, func(s *state) { s.judged = file(0); s.fresh = false }), event{kind: evObserved, delay: time.Second}, Checking, action{kind: actJudge, goal: file(4)}},
		{"invalid is rejected", synced(moving), event{kind: evJudged, digest: file(4)}, Rejected, wait(20 * time.Second)},
		{
			"gate: rejected files leave no plan for the last good ones", synced(gated, moving, func(s *state) {
				s.planned, s.published, s.proof = file(0), file(0), proofKept
			}), event{kind: evJudged, digest: file(4)}, Checking, action{kind: actPlan, goal: file(0)},
		},
		{"no verdict is tried again", synced(moving), event{kind: evJudged, failed: true, delay: time.Second}, Unjudged, wait(time.Second)},
		{"valid is planned", synced(moving), event{kind: evJudged, digest: file(4), valid: true}, Checking, action{kind: actPlan, goal: file(4)}},
		{"planned is reloaded", synced(moving), event{kind: evPlanned, digest: file(4), calls: true}, Reloading, action{kind: actReload, goal: file(4)}},
		{"a plan can reject", synced(moving), event{kind: evJudged, digest: file(4)}, Rejected, wait(20 * time.Second)},
		{"valid and nothing to call", synced(moving), event{kind: evPlanned, digest: file(4)}, Checking, action{kind: actAdopt, goal: file(4)}},
		{"gate: valid is published first", synced(gated, moving, func(s *state) { s.published = file(0) }), event{kind: evPlanned, digest: file(4), calls: true}, Publishing, action{kind: actPublish, goal: file(4)}},
		{"gate: published is reloaded", synced(gated, moving), event{kind: evPublished, digest: file(4)}, Reloading, action{kind: actReload, goal: file(4)}},
		{"gate: full disk is tried again", synced(gated, moving), event{kind: evPublished, failed: true, delay: time.Second}, Retrying, wait(time.Second)},
		{"reloaded is confirmed", synced(moving), event{kind: evReloaded, digest: file(4)}, Confirming, action{kind: actConfirm, goal: file(4), reloaded: true}},
		{"failed reload is tried again", synced(moving), event{kind: evReloaded, failed: true, kept: true, digest: file(4), delay: time.Second}, Retrying, wait(time.Second)},
		{"after a reload that failed somehow the server is asked what runs", synced(moving), event{kind: evReloaded, failed: true, digest: file(4), delay: time.Second}, Checking, action{kind: actLook}},
		{
			"other contents are reloaded once more", synced(moving, func(s *state) { s.sent, s.sentEpoch = file(4), "1" }),
			event{kind: evConfirmed, digest: file(4), reloaded: true, mismatch: true, delay: time.Second}, Mismatch, wait(time.Second),
		},
		{
			"after that the server is only asked", synced(moving, func(s *state) {
				s.phase, s.cause, s.proof, s.mismatches, s.lastReload = Mismatch, Mismatch, proofNone, 2, in(-time.Minute)
				s.sent, s.sentEpoch, s.fresh = file(4), "1", false
			}), event{kind: evObserved, server: here}, Mismatch, action{kind: actConfirm, goal: file(4), reloaded: true},
		},
		{"a look that shows something else ends the proof", synced(), event{kind: evConfirmed, look: true, digest: file(0), mismatch: true}, Mismatch, action{kind: actRead}},
		{"a look that cannot tell leaves it to the next look", synced(), event{kind: evConfirmed, look: true, digest: file(0)}, InSync, action{kind: actObserve}},
		{"a caller who waits gets a look", synced(), event{kind: evHint, look: true}, InSync, action{kind: actRead}},
		{"direct: refused is tried again", synced(moving), event{kind: evReloaded, failed: true, refused: true, kept: true, digest: file(4), delay: time.Second}, Retrying, wait(time.Second)},
		{"gate: refused is rolled back", synced(gated, moving), event{kind: evReloaded, failed: true, refused: true, digest: file(4)}, Publishing, action{kind: actRollback}},
		{
			"gate: the last good files are reloaded", synced(gated, moving, refused, func(s *state) { s.proof = proofKept }),
			event{kind: evRolledBack, digest: file(0)}, Checking, action{kind: actPlan, goal: file(0)},
		},
		{"gate: nothing to roll back to", synced(gated, moving, refused), event{kind: evRolledBack}, Rejected, wait(20 * time.Second)},
		{"proof is followed by a reading", synced(moving), event{kind: evConfirmed, digest: file(4), reloaded: true, proven: true, server: here}, Checking, action{kind: actRead}},
		{"no proof is tried again", synced(moving), event{kind: evConfirmed, digest: file(4), reloaded: true, delay: time.Second}, Retrying, wait(time.Second)},
		{
			"back to what runs: the server is asked", synced(func(s *state) { s.wanted, s.judged, s.valid, s.strayed = file(3), file(3), false, true }),
			event{kind: evRead, digest: file(0), atomic: true}, Checking, action{kind: actObserve},
		},
		{
			"written to during the reload, and now as before: the server is asked", synced(func(s *state) { s.unread = true }),
			event{kind: evRead, digest: file(0), atomic: true, moved: true}, Confirming, action{kind: actObserve},
		},
		{
			"written to before the proof of a reload: a reading follows", synced(moving, func(s *state) { s.unread, s.moved = true, true }),
			event{kind: evConfirmed, digest: file(4), reloaded: true, proven: true, server: here}, Checking, action{kind: actRead},
		},
		{
			"written to before the proof of a reload: then the server is asked", synced(func(s *state) { s.unread, s.moved = true, true }),
			event{kind: evRead, digest: file(0), atomic: true, same: true}, Confirming, action{kind: actObserve},
		},
		{"written to at rest, and now as before", synced(), event{kind: evRead, digest: file(0), atomic: true, moved: true}, InSync, wait(20 * time.Second)},
		{
			"gate: only reloader writes what the server reads", synced(gated, func(s *state) { s.unread = true }),
			event{kind: evRead, digest: file(0), atomic: true, moved: true}, InSync, wait(20 * time.Second),
		},
		{"restart is doubted", synced(), event{kind: evObserved, server: server{ready: true, epoch: "2", load: "2"}}, Confirming, action{kind: actRead}},
		{"a load by someone else is doubted", synced(), event{kind: evObserved, server: server{ready: true, epoch: "1", load: "2"}}, Confirming, action{kind: actRead}},
		{"one missed look changes nothing", synced(), event{kind: evObserved, delay: 5 * time.Second}, InSync, wait(time.Second)},
		{"two missed looks mean that the server is down", synced(func(s *state) { s.misses = 1 }), event{kind: evObserved, delay: 5 * time.Second}, Waiting, wait(5 * time.Second)},
	} {
		c.ev.at = noon
		s, act := step(c.state, c.ev)
		if s.phase != c.phase || act != c.act {
			t.Errorf("%s: phase %s, action %+v; want %s, %+v", c.name, s.phase, act, c.phase, c.act)
		}
	}
}

// Refused files are remembered, at most the newest few; those with a time limit until it passes, the others until dropped.
func TestRefusals(t *testing.T) {
	t.Parallel()
	var r refusals
	r.add(file(1), time.Time{})
	r.add(file(2), noon)
	if !r.has(file(1)) || !r.has(file(2)) || r.has(file(3)) || r.has(snapshot.Digest{}) {
		t.Errorf("%+v, want files 1 and 2", r)
	}
	r.expire(noon.Add(-1))
	if !r.has(file(2)) {
		t.Error("expired too early")
	}
	r.expire(noon)
	if r.has(file(2)) || !r.has(file(1)) {
		t.Errorf("%+v: at noon exactly the refusal with that time expires", r)
	}
	for n := range byte(20) {
		r.add(file(100+n), time.Time{})
	}
	if r.has(file(1)) || !r.has(file(119)) {
		t.Errorf("%+v: only the newest are kept", r)
	}
	r.drop(file(119))
	if r.has(file(119)) {
		t.Error("dropped and still there")
	}
}

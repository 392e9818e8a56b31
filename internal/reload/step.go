package reload

import (
	"time"

	"reloader/internal/snapshot"
)

// step takes in one event and says what to do next. It is pure: all it knows of time is ev.at.
func step(s state, ev event) (state, action) {
	s.refused.expire(ev.at)
	switch ev.kind {
	case evStart, evTimer:
	case evHint:
		s.onHint(ev)
	case evRead:
		s.onRead(ev)
	case evObserved:
		s.onObserved(ev)
	case evJudged:
		s.onJudged(ev)
	case evPlanned:
		s.onPlanned(ev)
	case evPublished:
		s.onPublished(ev)
	case evRolledBack:
		s.onRolledBack(ev)
	case evReloaded:
		s.onReloaded(ev)
	case evConfirmed:
		s.onConfirmed(ev)
	}
	a := s.decide(ev.at)
	if a.kind == actWait {
		// Whatever is waited for, the world goes on meanwhile, and contents are not kept.
		s.fresh, s.contents = false, false
		if s.rejected() {
			s.asked = asked{} // no reload will tell what the server runs, so it is asked again
		}
		s.lookWanted = s.lookWanted && a.look // otherwise nothing is claimed that had to be looked at
	}
	return s, a
}

// decide looks at the state alone, never at how it came about: whatever order events had, the
// same facts lead to the same action.
func (s *state) decide(now time.Time) action {
	switch {
	case s.stale:
		return action{kind: actRead}
	case !s.readable:
		s.phase = Waiting
		if now.Before(s.retryAt) {
			return action{kind: actWait, until: s.retryAt}
		}
		return action{kind: actRead}
	case s.settling && now.Before(s.settleUntil):
		s.phase = Settling
		return action{kind: actWait, until: s.settleUntil}
	case s.settling:
		return action{kind: actRead}
	}

	goal, rest := s.goal()
	switch {
	case s.mustRollBack():
		if now.Before(s.retryAt) {
			s.phase = Retrying
			return action{kind: actWait, until: s.retryAt}
		}
		s.phase = Publishing
		return action{kind: actRollback}
	case goal.IsZero(): // only other files or another server can help
		return s.rest(now, rest)
	case s.running == goal && s.proof == proofStands && s.holds(goal):
		if !s.strayed {
			return s.rest(now, rest)
		}
		// The server could have read something else meanwhile: it is asked, with no credit for the old proof.
		s.proof, s.asked = proofDoubted, asked{}
	}
	if s.phase == InSync { // no longer
		s.phase = Checking
		if s.running == goal {
			s.phase = Confirming
		}
	}
	switch {
	case s.keptUnknown && s.running != goal && s.seen.ready:
		return action{kind: actLook}
	case now.Before(s.retryAt):
		s.phase = s.cause
		if rest != InSync {
			s.phase = rest
		}
		return action{kind: actWait, until: s.retryAt}
	case !s.fresh:
		if goal == s.wanted && s.judged != goal {
			s.phase = Checking // what was said about the files before says nothing about these
		}
		return action{kind: actObserve}
	}
	return s.drive(now, goal, rest)
}

// drive brings the server to the goal, one action after the other.
func (s *state) drive(now time.Time, goal snapshot.Digest, rest Phase) action {
	if goal == s.wanted {
		judged := s.judged == goal && s.judgedEpoch == s.seen.epoch
		if !judged || s.planned != goal {
			if !s.contents {
				return action{kind: actRead}
			}
			s.phase = Checking
			if !judged {
				return action{kind: actJudge, goal: goal}
			}
			// Before anything is published: the live server may know of a mistake that the files do not show.
			return action{kind: actPlan, goal: goal}
		}
	}
	if s.gated && s.published != goal {
		if !s.contents {
			return action{kind: actRead}
		}
		s.phase = Publishing
		return action{kind: actPublish, goal: goal}
	}
	if !s.seen.ready {
		if s.cannotStart(now) {
			s.unstarted = s.published
			s.refuse(s.published, time.Time{})
			return s.decide(now)
		}
		return s.awaitServer(now, rest)
	}
	if s.planned != goal || s.plannedEpoch != s.seen.epoch {
		return action{kind: actPlan, goal: goal}
	}
	if s.sent == goal {
		if s.phase != Mismatch { // which lasts while it is only asked again
			s.phase = Confirming
		}
		return action{kind: actConfirm, goal: goal, reloaded: true}
	}
	if !s.calls && s.proof == proofStands {
		return action{kind: actAdopt, goal: goal}
	}
	question := asked{goal: goal, epoch: s.seen.epoch, load: s.seen.load}
	if (s.proof == proofNone || s.proof == proofDoubted || !s.calls) && s.asked != question {
		s.asked = question
		if s.phase != Mismatch {
			s.phase = Confirming
		}
		return action{kind: actConfirm, goal: goal}
	}
	if goal == s.wanted && s.rejected() {
		// The gate holds files that were good once and no longer are: another verdict, by a newer validator
		// or for another server. A server that runs them is left alone, and one that does not is not made to.
		return s.rest(now, rest)
	}
	s.phase = Reloading
	return action{kind: actReload, goal: goal}
}

// cannotStart says that the gate holds files that were never proven, that the server has been away for too
// long since it could read them, and that there are better ones: maybe it was restarted in the moment
// between publishing and reloading, and refuses at its start what it would have refused as a reload. If it
// was only slow, it gets the newest files as a reload later.
func (s *state) cannotStart(now time.Time) bool {
	if !s.gated || s.awaySince.IsZero() || s.accepted.IsZero() || s.accepted == s.published || s.refused.has(s.published) {
		return false
	}
	return !now.Before(later(s.awaySince, s.publishedAt).Add(s.patience))
}

// awaitServer schedules the next look at a server that does not take reloads now.
func (s *state) awaitServer(now time.Time, rest Phase) action {
	s.cause = Waiting
	if s.refusal {
		s.cause = Retrying
	}
	s.retryAt = now.Add(s.readyWait)
	s.phase = s.cause
	if rest != InSync {
		s.phase = rest
	}
	return action{kind: actWait, until: s.retryAt}
}

// rest is where a target stays when nothing is to be done; the server is looked at now and then.
func (s *state) rest(now time.Time, phase Phase) action {
	s.phase = phase
	switch {
	case phase != InSync:
	case s.misses > 1 && !s.refusal:
		s.phase = Waiting
	case s.misses > 1 || s.blind > 1:
		s.phase = Retrying
	}
	until := s.observeAt
	switch looks := s.proof == proofStands; {
	case looks && s.lookWanted && s.misses == 0:
		if until = s.lookedAt.Add(lookSpacing); !now.Before(until) {
			return action{kind: actLook}
		}
		return action{kind: actWait, until: until, look: true}
	case looks && s.blind > 0 && s.misses == 0 && !now.Before(s.compareAt):
		return action{kind: actLook}
	case s.idle <= 0:
		return action{kind: actWait}
	case s.lookDue(now):
		return action{kind: actObserve}
	case looks && s.compare > 0 && s.misses == 0 && !now.Before(s.compareAt): // no wake-up of its own
		return action{kind: actLook}
	case looks && s.blind > 0 && s.misses == 0: // what is not known is worth a wake-up
		until = earlier(until, s.compareAt)
	}
	return action{kind: actWait, until: until, look: s.lookWanted && s.misses == 1 && s.blind == 1}
}

// lookSpacing is the least time between two comparisons that someone waits for: a look may cost the server
// some work.
const lookSpacing = 2 * time.Second

// lookDue says whether the server is to be looked at now. A target that is awake anyway, because its files
// were polled, looks before the time: one wake-up for both costs half of two.
func (s *state) lookDue(now time.Time) bool {
	due := s.observeAt
	if s.misses == 0 {
		due = due.Add(-s.idle / 2)
	}
	return !now.Before(due)
}

// goal is what the server should run, and the phase in which the target rests when it does: the
// newest files, or else (with a gate) what the gate holds; zero when nothing can be done.
func (s *state) goal() (snapshot.Digest, Phase) {
	switch {
	case s.gated && s.refused.has(s.wanted):
		if s.stuck {
			return snapshot.Digest{}, Rejected
		}
		return s.published, RolledBack
	case s.rejected() && s.gated:
		if s.stuck {
			return snapshot.Digest{}, Rejected
		}
		return s.published, Rejected
	case s.rejected():
		return snapshot.Digest{}, Rejected
	}
	return s.wanted, InSync
}

// holds says that a start of the server would read the goal, as far as that is ours to say: other
// files may have been published and then not been loaded before the source went back.
func (s *state) holds(goal snapshot.Digest) bool { return !s.gated || s.published == goal }

// rejected says that the verdict on the newest files is "invalid", by what the server is now.
func (s *state) rejected() bool {
	return s.judged == s.wanted && s.judgedEpoch == s.seen.epoch && !s.valid
}

// mustRollBack says that the gate holds files that the server refused, with nothing better to publish.
func (s *state) mustRollBack() bool {
	if !s.gated || s.stuck || !s.refused.has(s.published) {
		return false
	}
	goal, _ := s.goal()
	return goal == s.published
}

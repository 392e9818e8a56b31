package reload

import (
	"time"

	"reloader/internal/snapshot"
)

// step handles one event and returns what to do next. It is pure: its only clock is ev.at.
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
		// The server may change while we wait, and contents are not kept.
		s.fresh, s.contents = false, false
		if s.rejected() {
			s.asked = asked{} // no reload will show what the server runs, so it is asked again
		}
		s.lookWanted = s.lookWanted && a.look // otherwise there is no claim to check
	}
	return s, a
}

// decide depends on the state alone, not on how it came about: the same facts lead to the same action,
// whatever the order of events.
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
		// The server could have read something else meanwhile: it is asked, and the old proof does not count.
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
			s.phase = Checking // the old phase was about earlier files
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
			// Before anything is published: the live server may reveal a mistake that the files do not show.
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
		if s.phase != Mismatch { // Mismatch lasts while the server is only asked again
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
		// The gate holds files that were good once and are not now: the validator is newer, or the server is
		// another one. A server that runs them is left alone; one that does not is not made to.
		return s.rest(now, rest)
	}
	s.phase = Reloading
	return action{kind: actReload, goal: goal}
}

// cannotStart reports that the gate holds files that were never proven, that the server has been away for too
// long since it could read them, and that there are better files. It may have been restarted between publishing
// and reloading, and refuse at its start what it would have refused as a reload. If it was only slow, it gets
// the newest files by a reload later.
func (s *state) cannotStart(now time.Time) bool {
	if !s.gated || s.awaySince.IsZero() || s.accepted.IsZero() || s.accepted == s.published || s.refused.has(s.published) {
		return false
	}
	return !now.Before(later(s.awaySince, s.publishedAt).Add(s.patience))
}

// awaitServer schedules the next look at a server that does not accept reloads now.
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

// rest waits while there is nothing to do, and looks at the server from time to time.
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
	case looks && s.compare > 0 && s.misses == 0 && !now.Before(s.compareAt): // this never causes a wake-up
		return action{kind: actLook}
	case looks && s.blind > 0 && s.misses == 0: // after a failed comparison, wake up for the next
		until = earlier(until, s.compareAt)
	}
	return action{kind: actWait, until: until, look: s.lookWanted && s.misses == 1 && s.blind == 1}
}

// lookSpacing is the least time between two comparisons on request: each may cost the server some work.
const lookSpacing = 2 * time.Second

// lookDue reports whether to look at the server now. A target that is awake anyway, because its files were
// polled, looks early: one wake-up for both costs half as much as two.
func (s *state) lookDue(now time.Time) bool {
	due := s.observeAt
	if s.misses == 0 {
		due = due.Add(-s.idle / 2)
	}
	return !now.Before(due)
}

// goal returns what the server should run, and the phase in which the target rests once it does. The goal is the
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

// holds reports that a starting server would read the goal, as far as reloader controls that. Other
// files may have been published, but not loaded, before the source went back.
func (s *state) holds(goal snapshot.Digest) bool { return !s.gated || s.published == goal }

// rejected reports that the verdict on the newest files, for the current server, is "invalid".
func (s *state) rejected() bool {
	return s.judged == s.wanted && s.judgedEpoch == s.seen.epoch && !s.valid
}

// mustRollBack reports that the gate holds files that the server refused, and nothing better can be published.
func (s *state) mustRollBack() bool {
	if !s.gated || s.stuck || !s.refused.has(s.published) {
		return false
	}
	goal, _ := s.goal()
	return goal == s.published
}

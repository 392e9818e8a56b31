package reload

import (
	"time"

	"reloader/internal/snapshot"
)

func (s *state) onHint(ev event) {
	if ev.manual {
		s.onManual(ev.at)
	}
	if ev.look {
		s.lookWanted = true
	}
	if !s.settling || ev.manual {
		s.stale = true
		return
	}
	// Reading while a writer is busy is wasted: the reading at the end of settling counts.
	s.hinted = true
	if !s.atomic {
		s.settleUntil = earlier(ev.at.Add(s.settle), s.settleBound)
	}
}

// manualSpacing is the least time between two retries on request: whoever can reach our port must not be able to
// cause a storm of reloads.
const manualSpacing = 2 * time.Second

// onManual makes what is scheduled due now.
func (s *state) onManual(now time.Time) {
	due := later(now, s.manualAt.Add(manualSpacing))
	if s.manualAt.IsZero() {
		due = now
	}
	if s.retryAt.After(due) {
		s.retryAt = due
	}
	s.observeAt = earlier(s.observeAt, due)
	if !due.After(now) {
		s.manualAt = now
		if s.cause == Mismatch {
			s.sent = snapshot.Digest{} // reload, do not only compare
		}
	}
}

func (s *state) onRead(ev event) {
	s.stale = false
	if ev.failed {
		s.readable, s.contents, s.settling = false, false, false
		s.retryAt = ev.at.Add(ev.delay)
		return
	}
	first := !s.readable
	s.readable, s.contents, s.atomic = true, s.contents || !ev.same, ev.atomic
	if first {
		s.retryAt = time.Time{}
	}
	if ev.digest != s.wanted {
		s.wanted, s.moved, s.moves, s.answers = ev.digest, false, 0, 0
		s.retryAt, s.sent, s.failures, s.mismatches, s.fresh = time.Time{}, snapshot.Digest{}, 0, 0, false
		s.asked = asked{}
		s.strayed = s.strayed || !s.gated && ev.digest != s.running
		s.settleChange(ev.at)
		s.follow(ev)
		return
	}
	if s.settling && !ev.at.Before(s.settleUntil) {
		s.settling = false
	}
	s.onReadAgain(ev)
}

// onReadAgain says whether the newest reload may have loaded other files than those that were read before and after it. While
// someone writes the same files all the time, that is found out ever less often.
func (s *state) onReadAgain(ev event) {
	s.moved = s.moved || s.unread && ev.moved && !s.gated
	switch {
	case s.proof != proofStands:
		return
	case s.moved:
		s.strayed, s.misread = true, true
		if s.moves > 0 {
			s.retryAt, s.cause = ev.at.Add(grown(movedWait, s.moves, lastMovedWait)), Confirming
		}
		s.moves++
	case s.unread:
		s.moves = 0
	}
	s.unread, s.moved = false, false
}

// Bounds of the pause before a reload that is made because the files were written to during the one before.
const (
	movedWait     = 100 * time.Millisecond
	lastMovedWait = 30 * time.Second
)

// settleChange decides how long to wait after reading a change.
func (s *state) settleChange(now time.Time) {
	if s.settling {
		// The files changed since the last reading. After hints there was a quiet time;
		// without hints, the writer may still be busy.
		quiet := s.hinted || s.atomic
		s.hinted = false
		if !now.Before(s.settleUntil) {
			s.settleUntil = earlier(now.Add(s.settle), s.settleBound)
			s.settling = !quiet && now.Before(s.settleUntil)
		}
		return
	}
	s.settleUntil = now
	if !s.atomic {
		s.settleUntil = now.Add(s.settle)
	}
	// A second change right after the first is as urgent as any; only the third within a short time
	// counts as a burst.
	if !s.reloadBefore.IsZero() {
		s.settleUntil = later(s.settleUntil, s.reloadBefore.Add(s.spacing))
	}
	s.settleBound = later(now.Add(s.settleMax), s.settleUntil)
	s.settling, s.hinted = now.Before(s.settleUntil), false
}

func (s *state) onObserved(ev event) {
	s.fresh = true
	if ev.replaced {
		s.published, s.strayed = ev.digest, true // who changed the gate may have made the server load it, too
	}
	s.refusal, s.readyWait = ev.failed, ev.delay
	if ev.failed || !ev.server.ready {
		s.seen.ready = false
		s.misses++
		switch {
		case ev.failed: // it is there, but asking it is pointless
			s.awaySince = time.Time{}
		case s.awaySince.IsZero():
			s.awaySince = ev.at
		}
		s.observeAt = ev.at.Add(s.recheck)
		if s.misses > 1 {
			s.observeAt = ev.at.Add(ev.delay)
		}
		return
	}
	s.misses, s.awaySince = 0, time.Time{}
	s.observeAt = ev.at.Add(s.idle)
	s.see(ev.server, ev.at)
	// A running server can judge the files itself without risk.
	s.refused.drop(s.unstarted)
	s.unstarted = snapshot.Digest{}
	if s.sentEpoch != s.seen.epoch {
		s.sent, s.mismatches = snapshot.Digest{}, 0
	}
	if s.proof == proofKept && s.proven.load == "" {
		s.proven.load = s.seen.load // the load that was refused
	}
	if (s.proof == proofStands || s.proof == proofKept) && (s.seen.epoch != s.proven.epoch || s.seen.load != s.proven.load) {
		s.doubt()
	}
}

// forgiveSpacing is the least time between two occasions on which another server clears the refusals. If servers of two
// versions answered in turn, the same files would otherwise be published, refused and rolled back without a pause.
const forgiveSpacing = 10 * time.Second

// see stores what a ready server reported, and clears refusals that it makes obsolete.
func (s *state) see(now server, at time.Time) {
	s.seen = now
	if s.refused.obsolete(now, s.stuck) {
		if len(s.refused.digests(false)) > 0 {
			if at.Before(s.forgivenAt.Add(forgiveSpacing)) {
				return // the next observation finds the same
			}
			s.forgivenAt = at
		}
		s.refused, s.stuck = refusals{version: now.version}, false
	}
	s.refused.epoch, s.refused.early = now.epoch, false
}

// doubt is called when the server may have loaded files other than those it was proven to run.
// The sources are read again before anything is concluded.
func (s *state) doubt() {
	s.proof, s.asked, s.blind = proofDoubted, asked{}, 0
	s.planned = snapshot.Digest{}
	s.stale = true
	// With a gate the server can only have read what the gate holds; without one it reads the
	// source, which holds other files now.
	if !s.gated && s.wanted != s.running {
		s.proof = proofNone
	}
	if s.phase == InSync {
		s.phase = Confirming
	}
}

func (s *state) onJudged(ev event) {
	if ev.failed {
		s.retry(ev, Unjudged)
		return
	}
	s.judged, s.judgedEpoch, s.valid = ev.digest, s.seen.epoch, ev.valid
	// The existing plan belongs to other files, or rejected these.
	s.planned = snapshot.Digest{}
}

func (s *state) onPlanned(ev event) {
	if ev.failed {
		s.retry(ev, Retrying)
		return
	}
	s.planned, s.plannedEpoch, s.calls = ev.digest, s.seen.epoch, ev.calls
}

func (s *state) onPublished(ev event) {
	if ev.failed {
		s.retry(ev, Retrying)
		return
	}
	s.published, s.publishedAt, s.stuck = ev.digest, ev.at, false
	s.strayed = s.strayed || ev.digest != s.running
}

func (s *state) onRolledBack(ev event) {
	if ev.failed {
		s.retry(ev, Retrying)
		return
	}
	if !ev.digest.IsZero() {
		s.published, s.publishedAt = ev.digest, ev.at
		s.strayed = s.strayed || ev.digest != s.running
	}
	s.accepted = ev.digest
	s.stuck = s.refused.has(s.published)
}

func (s *state) retry(ev event, cause Phase) {
	s.retryAt, s.cause, s.fresh = ev.at.Add(ev.delay), cause, false
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

package reload

import (
	"time"

	"reloader/internal/snapshot"
)

// After a mismatch the server is reloaded again at once. If that does not help, it is only asked until firstRepeat has
// passed. Then it is reloaded again, and so on; the interval doubles up to lastRepeat. The server may be in another pod,
// where the kubelet updates the mount a minute or two later: asking alone would never show that.
const (
	firstRepeat = 30 * time.Second
	lastRepeat  = 10 * time.Minute
)

// onMismatch decides whether a server that runs other contents after a reload is reloaded again, or only asked.
func (s *state) onMismatch(ev event) {
	s.proof = proofNone
	s.mismatches++
	if s.mismatches == 1 {
		s.repeats, s.sent = 0, snapshot.Digest{}
		s.retry(ev, Mismatch)
		return
	}
	due := s.lastReload.Add(min(firstRepeat<<min(s.repeats, 10), lastRepeat))
	if ev.at.Before(due) {
		ev.delay = min(ev.delay, due.Sub(ev.at))
	} else {
		ev.delay, s.sent = 0, snapshot.Digest{}
		s.repeats++
	}
	s.retry(ev, Mismatch)
}

func (s *state) onReloaded(ev event) {
	s.calledAt = ev.at
	if !ev.failed {
		s.proof = proofNone // until the server says otherwise
		s.sent, s.sentEpoch = ev.digest, s.seen.epoch
		s.reloadBefore, s.lastReload = s.lastReload, ev.at
		s.unread, s.moved, s.misread = true, false, false
		return
	}
	s.onReloadFailed(ev)
	switch {
	case s.gated && ev.refused:
		s.refuse(ev.digest, time.Time{})
		return
	case s.gated && ev.broken:
		// A server that answers several attempts with nothing but "error" counts as refusing the files.
		if s.failures++; s.failures >= s.unproven {
			s.refuse(ev.digest, ev.at.Add(unprovenFor))
			return
		}
	}
	s.retry(ev, Retrying)
}

// onReloadFailed says what the proof is worth after a reload that failed.
func (s *state) onReloadFailed(ev event) {
	switch {
	case ev.untouched:
	case s.proof != proofStands && s.proof != proofKept:
		s.proof = proofNone
	case ev.kept:
		// The failed load has an ID of its own; the next observation shows it.
		s.proof, s.proven.load = proofKept, ""
	default:
		s.proof, s.keptUnknown = proofNone, true
	}
}

func (s *state) onConfirmed(ev event) {
	switch {
	case ev.look:
		s.onLooked(ev)
	case ev.failed:
		s.asked = asked{} // no answer yet
		s.retry(ev, Retrying)
	case ev.proven:
		s.see(ev.server, ev.at)
		s.running, s.proof, s.proven = ev.digest, proofStands, ev.server
		s.accepted = ev.digest
		s.sent, s.failures, s.mismatches, s.misses, s.blind = snapshot.Digest{}, 0, 0, 0, 0
		s.keptUnknown, s.misread = false, false
		s.strayed = s.served() != ev.digest
		s.refused.drop(ev.digest)
		s.retryAt = time.Time{}
		s.observeAt, s.compareAt = ev.at.Add(s.idle), ev.at.Add(s.compare)
		s.lookWanted, s.lookedAt = false, ev.at
		// What was read before the reload may be outdated: the newest reading decides.
		s.stale = true
	case ev.overtaken: // read the newer files and start over with them
		s.sent, s.proof, s.stale = snapshot.Digest{}, proofNone, true
	case ev.reloaded && ev.mismatch:
		s.onMismatch(ev)
	case ev.reloaded:
		s.sent, s.proof = snapshot.Digest{}, proofNone
		s.failures++
		switch {
		case s.gated && ev.refused:
			s.refuse(ev.digest, time.Time{})
		case s.gated && s.failures >= s.unproven:
			s.refuse(ev.digest, ev.at.Add(unprovenFor))
		default:
			s.retry(ev, Retrying)
		}
	default:
		s.proof = proofNone
		if !s.calls { // there is nothing to call
			s.asked = asked{}
			s.retry(ev, Retrying)
			return
		}
		s.answer(ev)
	}
}

// onLooked handles a comparison with a server that was proven earlier.
func (s *state) onLooked(ev event) {
	s.lookedAt = ev.at
	s.lookWanted = s.lookWanted && ev.failed && s.blind == 0 // after a first failure, callers wait for the second look
	s.compareAt = ev.at.Add(s.compare)
	kept := s.keptUnknown
	s.keptUnknown = false
	switch {
	case ev.failed:
		s.misses++
		s.blind++
		s.observeAt, s.compareAt = ev.at.Add(s.recheck), ev.at.Add(s.recheck)
		if s.blind > 1 {
			s.compareAt = ev.at.Add(ev.delay)
		}
	case ev.proven && kept:
		s.see(ev.server, ev.at)
		s.proof, s.proven, s.blind = proofKept, ev.server, 0
	case ev.proven && ev.server.epoch != s.proven.epoch:
		s.see(ev.server, ev.at)
		s.doubt() // a restarted server gets a verdict of its own
	case ev.proven:
		s.misses, s.blind = 0, 0
		s.see(ev.server, ev.at)
		s.proven = ev.server
	case kept:
	case !ev.mismatch: // it cannot tell what it runs; observe it now to see whether it restarted or loaded something
		s.observeAt = ev.at
	default:
		s.doubt()
		s.proof = proofNone
		s.asked = asked{goal: s.running, epoch: s.seen.epoch, load: s.seen.load} // it was asked just now
		s.phase = Mismatch
	}
}

// served is what the server reads when it loads, as far as reloader knows.
func (s *state) served() snapshot.Digest {
	if s.gated {
		return s.published
	}
	return s.wanted
}

// refuse records that the server refuses these files, until a time or until its version changes.
func (s *state) refuse(d snapshot.Digest, until time.Time) {
	s.refused.add(d, until)
	s.failures, s.fresh = 0, false
}

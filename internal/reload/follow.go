package reload

import (
	"fmt"
	"strings"
	"time"

	"reloader/internal/snapshot"
)

// Some servers write into the directory that they are told to load, at each reload: a state file, a backup, the same file in
// another form. Each such write looks like a change, and would cause the next reload, without end. The content of a change does
// not show who made it, but its time does: right after a reload. The first few of them in a row count as any other change. Before
// those that follow there is a pause. It is short, because a script that writes the next change as soon as the last one is live
// looks the same. It never delays a change that comes at another time, which is read at once and ends the pause, nor one in a
// directory that is swapped as a whole: only the kubelet, or a program like it, writes there.
const (
	// followWindow is how soon after a reload a change must be read to count as one that follows it.
	followWindow = 3 * time.Second
	// freeFollows is how many of them in a row are applied without a pause.
	freeFollows = 3
	// followWait is the first pause, lastFollowWait the longest.
	followWait, lastFollowWait = time.Second, 10 * time.Second
)

// follow decides, for a change that was just read, whether it follows a reload, and sets the pause. With a gate the server does
// not read the sources, so it has no reason to write there.
func (s *state) follow(ev event) {
	if s.gated || ev.swapped || s.calledAt.IsZero() || ev.at.Sub(s.calledAt) > followWindow {
		s.follows = 0
		return
	}
	if s.followed != s.calledAt { // one reload may be followed by several writes
		s.followed = s.calledAt
		s.follows++
	}
	if more := s.follows - freeFollows; more > 0 {
		s.retryAt, s.cause = s.calledAt.Add(grown(followWait, more-1, lastFollowWait)), Settling
	}
}

// answerWindow is how soon after a reload and its pause a load by someone else must be noticed to count as an answer to it. It is
// longer than most loads take.
const answerWindow = 30 * time.Second

// answer sets the pause before a reload that is only made because someone else made the server load the same files, and the server
// does not show all that it runs. With two reloaders, each would otherwise answer the reload of the other, without end.
func (s *state) answer(ev event) {
	if s.calledAt.IsZero() || ev.at.Sub(s.calledAt) > s.answerPause()+answerWindow {
		s.answers = 0
		return
	}
	// After files that moved during the reload, the reason is another one, with a pause of its own.
	if s.misread || ev.mismatch || ev.digest != s.running || s.seen.epoch != s.proven.epoch {
		return
	}
	if s.answered != s.calledAt {
		s.answered = s.calledAt
		s.answers++
	}
	if pause := s.answerPause(); pause > 0 {
		s.retryAt, s.cause = s.calledAt.Add(pause), Confirming
	}
}

// lastAnswerWait is the longest pause before a reload that answers someone else. No change of a file waits for it.
const lastAnswerWait = 5 * time.Minute

// answerPause is the least time between a reload and the next one that answers someone else.
func (s *state) answerPause() time.Duration {
	if s.answers <= freeFollows {
		return 0
	}
	return grown(followWait, s.answers-freeFollows-1, lastAnswerWait)
}

// answering reports, in phase Confirming, that a reload that answers a load by someone else waits, or is being proven.
func (s *state) answering() bool { return s.answers > freeFollows && !s.retryAt.IsZero() }

// pausing reports, in phase Settling, that nothing settles but a change that follows a reload waits.
func (s *state) pausing() bool { return !s.settling && s.follows > freeFollows }

// grown is the pause after n others, each twice as long as the one before.
func grown(first time.Duration, n int, last time.Duration) time.Duration {
	return min(first<<min(n, 20), last)
}

// noteFollowers warns once, and prepares the reason that the status shows, when files were written at several reloads in a row.
func (t *Target) noteFollowers(old *state) {
	if t.state.answers == freeFollows+1 && old.answers <= freeFollows {
		const cause = "someone else made the server load right after each of the last reloads, and the server does not show all of the files"
		const hint = "do two reloaders follow this server? one is enough"
		t.why.follow = cause + "; reloading ever less often (" + hint + ")"
		t.o.Logger.Warn("reloading ever less often", "target", t.o.Name, "cause", cause, "hint", hint)
		return
	}
	const hint = "does the server write into a directory that reloader follows? have it write elsewhere"
	var what string
	switch st := &t.state; {
	case st.follows == freeFollows+1 && old.follows <= freeFollows:
		what = "changed right after each of the last reloads"
	case st.moves == freeFollows+1 && old.moves <= freeFollows:
		what = "written during each of the last reloads, with the same contents, so it is not known what the server has loaded"
	default:
		return
	}
	t.why.follow = fmt.Sprintf("%s: %s; reloading ever less often (%s)", strings.Join(t.written, ", "), what, hint)
	t.o.Logger.Warn("reloading ever less often", "target", t.o.Name, "files", t.written, "cause", what, "hint", hint)
}

// writtenBetween names the files that differ between two readings, or were at least written to.
func writtenBetween(old, now *snapshot.Set) []string {
	if old == nil {
		return nil
	}
	var names []string
	for _, c := range snapshot.Diff(old, now) {
		names = append(names, c.Source+"/"+c.Name)
	}
	if len(names) == 0 {
		names = now.Written(old)
	}
	if len(names) > maxNamedFiles {
		names = append(names[:maxNamedFiles], fmt.Sprintf("%d more", len(names)-maxNamedFiles))
	}
	return names
}

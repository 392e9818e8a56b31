package reload

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"reloader/internal/snapshot"
)

// The simulator's files, by the digest's first byte: the validator rejects some, the server refuses others.
const (
	fileInvalid = 3 // n%4 == 3: rejected by the validator
	fileRefused = 2 // n%4 == 2: valid, but this server version refuses it

	pollInterval = 40 * time.Second
	// longestWait is the longest time that the machine may sleep, with or without hints.
	longestWait = 30 * time.Second
)

func file(n byte) snapshot.Digest { return snapshot.Digest{n + 1, 1} }

func number(d snapshot.Digest) byte { return d[0] - 1 }

// simulator plays everything around the state machine: files, server, gate, clocks. Each byte of its
// script decides one thing. After the end of the script nothing goes wrong.
type simulator struct {
	t      *testing.T
	gated  bool
	script []byte
	log    []string
	// silent runs keep no log. When one fails, the whole script is played again with a log.
	silent bool
	whole  []byte

	clocks
	pollAt time.Time // when the watcher polls next; each poll hints
	files  byte      // what the source holds

	up, ready bool
	life      int    // of the server, counted
	epoch     string // its name, by the server's clock
	load      string // the name of its newest load, by the server's clock
	version   int
	observed  int             // the version that was observed last
	running   snapshot.Digest // what the server runs
	good      bool            // the server's last load succeeded

	published snapshot.Digest
	accepted  []snapshot.Digest // in the gate, oldest first
	// restarted says that reloader is about to restart.
	restarted bool
	// unseen says that reloader has had no answer from the server since its start. If the server restarts before the first
	// answer, what it refused earlier is tried again.
	unseen bool
	// strict says that this version of reloader rejects files which other versions accept; stricter says the same of the
	// next one.
	strict, stricter bool
	// picky says that the live server finds a mistake in some files, which only the plan shows; found is what the plans have
	// shown, by life of the server.
	picky bool
	found map[planned]bool
	// wanted are the newest files that the machine has read.
	wanted snapshot.Digest
	// look says that a caller waits for a look.
	look bool
	// refusedNow is what the server refused since the source last changed, at this version.
	refusedNow map[snapshot.Digest]int
	inFlight   int
	reloads    int

	// mount is what the server reads instead of the directory, as with a stale mount of a single file; zero: the directory.
	mount snapshot.Digest
	// seen is the server's newest answer about its contents, told the newest about its life and load.
	seen contents
	told server
	// unseenLooks counts the looks in a row that could not compare anything.
	unseenLooks int
}

// planned is a question to the live server.
type planned struct {
	digest snapshot.Digest
	epoch  string
}

// contents are what the server ran when it was compared with files.
type contents struct {
	digest      snapshot.Digest
	epoch, load string
}

func newSimulator(t *testing.T, gated bool, script []byte) *simulator {
	w := &simulator{t: t, gated: gated, script: script, whole: script, clocks: newClocks(len(script)), up: true, ready: true, refusedNow: map[snapshot.Digest]int{}, found: map[planned]bool{}}
	if gated && w.chance(2) {
		w.published = file(0)
		w.accept(file(0))
	}
	w.start()
	return w
}

// next takes a byte of the script; 255 (which all chances read as "nothing happens") after its end.
func (w *simulator) next() byte {
	if len(w.script) == 0 {
		return 255
	}
	b := w.script[0]
	w.script = w.script[1:]
	return b
}

// chance is true once in n, while the script lasts.
func (w *simulator) chance(n byte) bool { b := w.next(); return b != 255 && b%n == 0 }

func (w *simulator) logf(format string, args ...any) {
	if !w.silent {
		w.log = append(w.log, fmt.Sprintf(format, args...))
	}
}

func (w *simulator) fatalf(format string, args ...any) {
	w.t.Helper()
	if w.silent {
		again := newSimulator(w.t, w.gated, w.whole)
		w.t.Logf("gated %v, script %q", w.gated, w.whole)
		again.check(again.run())
	}
	from := max(0, len(w.log)-60)
	for _, l := range w.log[from:] {
		w.t.Log(l)
	}
	w.t.Fatalf(format, args...)
}

// dir is what the server finds when it loads now.
func (w *simulator) dir() snapshot.Digest {
	if !w.mount.IsZero() {
		return w.mount
	}
	if w.gated {
		return w.published
	}
	return file(w.files)
}

func (w *simulator) accepts(d snapshot.Digest) bool {
	if d.IsZero() || number(d)%4 == fileInvalid {
		return false
	}
	return number(d)%4 != fileRefused || w.version%2 == 1
}

// rejects says whether reloader must reject the files: its validator does, or a plan has shown a mistake.
func (w *simulator) rejects(d snapshot.Digest) bool {
	return number(d)%4 == fileInvalid || w.strict && number(d)%4 == 0 || w.found[planned{d, w.told.epoch}]
}

// knows says whether the live server finds a mistake in the files.
func (w *simulator) knows(d snapshot.Digest) bool { return w.picky && number(d)%4 == 1 }

// accept marks files in the gate as proven.
func (w *simulator) accept(d snapshot.Digest) {
	w.accepted = append(slices.DeleteFunc(w.accepted, func(o snapshot.Digest) bool { return o == d }), d)
}

// knownGood are the newest files of the gate that were proven and that the server would accept; zero when there are none.
func (w *simulator) knownGood() snapshot.Digest {
	for _, d := range slices.Backward(w.accepted) {
		if w.accepts(d) {
			return d
		}
	}
	return snapshot.Digest{}
}

func (w *simulator) loadFiles() bool {
	w.good = w.accepts(w.dir())
	if w.good {
		w.running = w.dir()
		w.loadedAt = w.server()
	}
	w.load = fmt.Sprint(w.loadedAt.Unix(), w.good)
	return w.good
}

// start starts the server's process. With files that it does not accept, it never becomes ready.
func (w *simulator) start() {
	w.life++
	w.loadedAt = w.server()
	w.epoch = fmt.Sprint(w.loadedAt.UnixNano() + int64(w.life)) // no two starts are in the same nanosecond
	if w.unseen {
		clear(w.refusedNow)
	}
	w.running = snapshot.Digest{}
	w.ready = w.loadFiles()
	w.logf("server starts: epoch %s ready %v runs %x", w.epoch, w.ready, w.running[:1])
}

// meanwhile lets one thing happen, or nothing.
func (w *simulator) meanwhile() (hint, manual bool) {
	switch b := w.next(); {
	case b == 255:
	case b%16 < 4:
		w.files = w.next() % 8
		w.refusedNow = map[snapshot.Digest]int{}
		w.logf("source holds %d", w.files)
		return b%16 != 3, false // one change in four comes without a hint
	case b%16 == 4:
		w.start()
	case b%16 == 5:
		w.version++
		w.start()
	case b%16 == 6:
		w.up = !w.up
		w.logf("server up %v", w.up)
	case b%16 == 7:
		w.loadFiles()
		w.logf("someone reloads: runs %x", w.running[:1])
	case b%16 == 8:
		return true, true
	case b%16 == 9:
		w.restarted = true
		w.logf("reloader restarts")
	case b%16 == 10:
		w.running = file(w.next() % 8)
		w.logf("someone edits what runs, without a load: runs %x", w.running[:1])
	case b%16 == 11:
		w.mount = snapshot.Digest{}
		if n := w.next() % 4; n < 2 {
			w.mount = file(n)
		}
		w.logf("the server's mount is stale: %x", w.mount[:1])
	case b%16 == 12:
		w.look = true
		return true, false
	case b%16 == 13:
		w.restarted, w.stricter = true, !w.strict
		w.logf("reloader restarts, stricter: %v", w.stricter)
	case b%16 == 14:
		w.picky = !w.picky
		w.logf("the live server finds a mistake: %v", w.picky)
	case b%16 == 15:
		w.picky = !w.picky
		w.start()
	}
	return false, false
}

// answer is the answer of a ready server to an observation.
func (w *simulator) answer() server {
	w.observed, w.unseen = w.version, false
	return server{ready: true, epoch: w.epoch, load: w.load, version: fmt.Sprint(w.version)}
}

func (w *simulator) delay() time.Duration { return time.Second }

// do answers an action with an event, as a real target would.
func (w *simulator) do(a action, s *state) event {
	w.wanted = s.wanted
	switch a.kind {
	case actWait:
		return w.wait(a, s)
	case actRead:
		w.meanwhileQuiet()
		if w.chance(12) {
			return event{kind: evRead, failed: true, delay: w.delay()}
		}
		same := s.stale && s.readable && s.wanted == file(w.files) && w.chance(2)
		return event{kind: evRead, digest: file(w.files), atomic: !w.chance(3), same: same}
	case actObserve:
		w.meanwhileQuiet()
		switch {
		case w.chance(16):
			return event{kind: evObserved, failed: true, delay: w.delay()}
		case !w.up || !w.ready:
			// A server that cannot start is started again and again.
			if w.up {
				w.start()
			}
			return event{kind: evObserved, delay: w.delay()}
		}
		w.told = w.answer()
		return event{kind: evObserved, server: w.told}
	case actJudge:
		if w.chance(8) {
			return event{kind: evJudged, failed: true, delay: w.delay()}
		}
		return event{kind: evJudged, digest: a.goal, valid: !w.rejects(a.goal)}
	case actPlan:
		if w.chance(8) {
			return event{kind: evPlanned, failed: true, delay: w.delay()}
		}
		// Only in this case does Target.planned turn it into a verdict.
		if a.goal == s.wanted && s.contents && !s.rejected() {
			bad := w.knows(a.goal)
			w.found[planned{a.goal, s.seen.epoch}] = bad
			if bad {
				return event{kind: evJudged, digest: a.goal}
			}
		}
		calls := a.goal != s.wanted || !w.chance(10) || s.proof != proofStands || !w.accepts(a.goal)
		return event{kind: evPlanned, digest: a.goal, calls: calls}
	case actPublish:
		if w.chance(8) {
			return event{kind: evPublished, failed: true, delay: w.delay()}
		}
		w.mustBeAllowed(a.goal)
		w.published = a.goal
		return event{kind: evPublished, digest: a.goal}
	case actRollback:
		if w.chance(8) {
			return event{kind: evRolledBack, failed: true, delay: w.delay()}
		}
		for i, d := range slices.Backward(w.accepted) {
			if !s.refused.has(d) {
				w.published, w.accepted = d, w.accepted[:i+1]
				return event{kind: evRolledBack, digest: d}
			}
		}
		return event{kind: evRolledBack}
	case actReload:
		return w.reload(a)
	case actConfirm:
		return w.confirm(a)
	case actLook:
		a.goal = s.running
		ev := w.confirm(a)
		ev.look = true
		if w.unseenLooks++; !ev.failed {
			w.unseenLooks = 0
		}
		return ev
	case actAdopt:
		// The driver says that the server picks these files up by itself, in addition to what else it runs.
		if w.running == s.running {
			w.running, w.good = a.goal, true
			w.accept(a.goal)
		}
		w.seen.digest, w.unseenLooks = a.goal, 0
		return event{kind: evConfirmed, digest: a.goal, proven: true, server: w.told}
	}
	w.fatalf("unknown action %d", a.kind)
	return event{}
}

func (w *simulator) meanwhileQuiet() {
	if w.chance(4) {
		w.meanwhile()
	}
}

func (w *simulator) wait(a action, s *state) event {
	if a.until.IsZero() {
		w.fatalf("phase %s waits without an end", s.phase)
	}
	if !a.until.After(w.now) {
		w.fatalf("phase %s waits for the past", s.phase)
	}
	if d := a.until.Sub(w.now); d > longestWait {
		w.fatalf("phase %s waits for %v", s.phase, d)
	}
	if hint, manual := w.meanwhile(); hint {
		w.sleep(min(a.until.Sub(w.now), max(a.until.Sub(w.now)/2, time.Millisecond)))
		look := w.look
		w.look = false
		return event{kind: evHint, manual: manual, look: look}
	}
	if w.pollAt.Before(a.until) {
		w.sleep(max(0, w.pollAt.Sub(w.now)))
		w.pollAt = w.now.Add(pollInterval)
		return event{kind: evHint}
	}
	w.sleep(a.until.Sub(w.now))
	return event{kind: evTimer}
}

// mustBeAllowed checks that the files may be sent to the server.
func (w *simulator) mustBeAllowed(goal snapshot.Digest) {
	w.t.Helper()
	// What an earlier version of reloader published is not judged again.
	if number(goal)%4 == fileInvalid || goal == w.wanted && w.rejects(goal) {
		w.fatalf("rejected files %d go to the server", number(goal))
	}
	if _, asked := w.found[planned{goal, w.told.epoch}]; !asked && goal == w.wanted && w.told.ready {
		w.fatalf("files %d go to a server that was not asked about them", number(goal))
	}
	if v, ok := w.refusedNow[goal]; w.gated && ok && v == w.version {
		w.fatalf("refused files %d are tried again", number(goal))
	}
}

func (w *simulator) reload(a action) event {
	w.mustBeAllowed(a.goal)
	if w.gated && w.published != a.goal {
		w.fatalf("reload for %d while the gate holds %x", number(a.goal), w.published[:1])
	}
	if w.inFlight++; w.inFlight > 1 {
		w.fatalf("two reloads in flight")
	}
	w.reloads++
	w.meanwhileQuiet()
	w.inFlight--
	failed := event{kind: evReloaded, failed: true, digest: a.goal, delay: w.delay()}
	switch {
	case !w.up || !w.ready || w.chance(8): // never arrived
		failed.untouched, failed.kept = true, true
		return failed
	case w.chance(8): // arrived, the answer was lost
		w.loadFiles()
		return failed
	case w.chance(12): // "200", and nothing was done
		w.seen = contents{} // after a success, what runs is unknown until the server is asked
		return event{kind: evReloaded, digest: a.goal}
	case w.chance(12): // an error of its own
		failed.broken = true
		return failed
	}
	if w.loadFiles() {
		w.logf("reload: runs %x", w.running[:1])
		w.seen = contents{}
		return event{kind: evReloaded, digest: a.goal}
	}
	w.logf("reload refused")
	if w.dir() == a.goal {
		w.refusedNow[a.goal] = w.observed
	}
	failed.refused, failed.kept = true, true
	return failed
}

func (w *simulator) confirm(a action) event {
	ev := event{kind: evConfirmed, digest: a.goal, reloaded: a.reloaded, delay: w.delay()}
	if !w.up || !w.ready || w.chance(8) {
		ev.failed = true
		return ev
	}
	if !a.reloaded && w.chance(3) {
		return ev // it cannot tell
	}
	w.seen = contents{digest: w.running}
	switch {
	case w.running != a.goal:
		ev.mismatch = true
	case w.good:
		w.told = w.answer()
		w.seen.epoch, w.seen.load = w.told.epoch, w.told.load
		w.unseenLooks = 0
		ev.proven, ev.server = true, w.told
		w.accept(a.goal)
	}
	return ev
}

// mustBeHonest checks that the wall clock moves no time in the state, and that everything reported about the server is its own newest answer.
func (w *simulator) mustBeHonest(s *state) {
	w.t.Helper()
	if name := byWall(s); name != "" {
		w.fatalf("%s depends on the wall clock", name)
	}
	if d := s.runningNow(); !d.IsZero() && d != w.seen.digest {
		w.fatalf("phase %s: %x is reported to run, but the server ran %x when it was last compared", s.phase, d[:1], w.seen.digest[:1])
	}
	if s.phase != InSync {
		return
	}
	if w.unseenLooks > 1 {
		w.fatalf("in sync, although the last %d looks could not compare anything", w.unseenLooks)
	}
	if w.seen.digest != s.wanted {
		w.fatalf("in sync with %x, but the server ran %x when it was last compared", s.wanted[:1], w.seen.digest[:1])
	}
	if w.seen.epoch != w.told.epoch || w.seen.load != w.told.load {
		w.fatalf("in sync, although the server has said that it restarted or loaded since it was compared")
	}
}

// begin starts reloader.
func (w *simulator) begin(before refusals) (state, event) {
	w.unseenLooks = 0
	var accepted snapshot.Digest
	if n := len(w.accepted); n > 0 {
		accepted = w.accepted[n-1]
	}
	return newState(timing{
		gated: w.gated, settle: 100 * time.Millisecond, settleMax: time.Second, spacing: time.Second,
		idle: 30 * time.Second, compare: 5 * time.Minute, recheck: time.Second, unproven: 3, patience: 2 * time.Minute,
	}, w.published, accepted, before), event{kind: evStart, at: w.now}
}

// run plays until the script has ended and the machine has been at rest for a while.
func (w *simulator) run() state {
	s, ev := w.begin(refusals{})
	var a action
	sameInstant, last := 0, w.now
	var quiet time.Time
	for range 20_000 {
		s, a = step(s, ev)
		w.logf("%s ev %d -> %s act %d goal %x (wanted %x running %x proof %d)", w.now.Format("05.000"), ev.kind, s.phase, a.kind, a.goal[:1], s.wanted[:1], s.running[:1], s.proof)
		if len(w.script) == 0 && quiet.IsZero() {
			quiet = w.now
			w.up, sameInstant = true, 0
			w.mount = snapshot.Digest{}
		}
		if !quiet.IsZero() && w.now.Sub(quiet) > unprovenFor+5*time.Minute && a.kind == actWait {
			return s
		}
		w.mustBeHonest(&s)
		ev = w.do(a, &s)
		w.set()
		ev.at = w.now
		if w.restarted {
			w.restarted, w.unseen, w.strict = false, true, w.stricter
			clear(w.found)
			w.told = server{}
			var before refusals
			if w.gated {
				before = refusalsBefore(s.refused.version, s.refused.epoch, s.refused.digests(true))
			}
			// After a restart of the server its refusals are unknown, and the newest ones may not have been noted.
			maps.DeleteFunc(w.refusedNow, func(d snapshot.Digest, _ int) bool {
				return before.epoch != w.epoch || !before.has(d)
			})
			w.seen = contents{}
			s, ev = w.begin(before)
		}
		if w.now.Equal(last) {
			if sameInstant++; sameInstant > 60 && len(w.script) == 0 {
				w.fatalf("busy loop in phase %s", s.phase)
			}
		} else {
			sameInstant, last = 0, w.now
		}
	}
	w.fatalf("never comes to rest")
	return s
}

// check asserts where the machine must be once faults have ended.
func (w *simulator) check(s state) {
	want := file(w.files)
	if s.wanted != want {
		w.fatalf("wanted %x, the source holds %x", s.wanted[:1], want[:1])
	}
	switch {
	case w.rejects(want):
		if s.phase != Rejected && (w.ready || !w.gated) {
			w.fatalf("phase %s for invalid files", s.phase)
		}
	case s.phase == InSync && s.runningNow() == want && w.running == want: // even if someone put them there by hand
	case w.accepts(want):
		if s.phase != InSync || s.runningNow() != want || w.running != want {
			w.fatalf("valid files %d: phase %s, proven %x, server runs %x", w.files, s.phase, s.running[:1], w.running[:1])
		}
	case !w.gated:
		if s.phase != Retrying && s.phase != Waiting {
			w.fatalf("phase %s for refused files", s.phase)
		}
	case w.ready && !w.knownGood().IsZero():
		if s.phase != RolledBack || w.published == want {
			w.fatalf("phase %s for refused files, gate holds %x", s.phase, w.published[:1])
		}
	}
	// Files that were proven once are trusted: a server may be down for many reasons.
	if good := w.knownGood(); w.gated && !w.ready && !good.IsZero() && !slices.Contains(w.accepted, w.published) {
		w.fatalf("the server cannot start on what the gate holds, %x, though %x is known to be good", w.published[:1], good[:1])
	}
	if w.gated && w.ready && (s.phase == RolledBack || s.phase == Rejected) && !s.stuck && !w.published.IsZero() &&
		w.accepts(w.published) && s.runningNow() != w.published && (w.running == w.published || !w.rejects(w.published)) {
		w.fatalf("phase %s: the gate holds %x, proven is %x", s.phase, w.published[:1], s.running[:1])
	}
	if s.settling || s.stale {
		w.fatalf("at rest, and still settling or stale")
	}
}

// FuzzStep plays random histories of files, hints, failures, restarts and foreign reloads, with a server that may run anything at
// any time. Always true: InSync and the running digest are reported only if the server ran those files when it was last asked;
// there are never two reloads in flight; rejected files never reach the server; refused files are not tried again; every phase has
// a way out; there is no busy loop; and the newest valid files run in the end.
func FuzzStep(f *testing.F) {
	f.Add(false, []byte{})
	f.Add(true, []byte{})
	f.Add(true, []byte("011111101111000211110101$000")) // published, never loaded, then the source went back
	for i := range 400 {
		b := make([]byte, 20+i)
		x := uint32(i*2654435761 + 1)
		for j := range b {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			b[j] = byte(x >> 3)
		}
		f.Add(i%2 == 0, b)
	}
	f.Fuzz(func(t *testing.T, gated bool, script []byte) {
		w := newSimulator(t, gated, script)
		w.check(w.run())
	})
}

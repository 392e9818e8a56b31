package reload

import (
	"time"

	"reloader/internal/snapshot"
)

// timing is what the state machine needs from a target's options.
type timing struct {
	gated     bool
	settle    time.Duration // quiet time that a change needs when it is not one atomic swap
	settleMax time.Duration // limit for all settling of one change
	spacing   time.Duration // at most two successful reloads within it
	idle      time.Duration // how often the server is observed while nothing happens
	compare   time.Duration // how often it is compared with the files while nothing happens; 0: never
	recheck   time.Duration // delay of the second look at a server that did not answer once
	unproven  int           // gated: reloads without proof until the files count as refused
	patience  time.Duration // gated: how long a server may take to start with files that were never proven
}

// proofState is what the last proof is worth now.
type proofState uint8

const (
	proofNone    proofState = iota // it is not known what the server runs
	proofStands                    // the server runs what it was proven to run
	proofKept                      // it refused other files since, and reports that it still runs those of the proof
	proofDoubted                   // it may have loaded something since: it is asked before anything is claimed
)

// server is the part of an Observation on which decisions depend.
type server struct {
	ready                bool
	epoch, load, version string
}

// state is everything that decisions depend on. It holds no clock, no channel and no I/O:
// step is a function of it and of one event.
type state struct {
	timing
	phase Phase

	// The sources.
	stale       bool            // a reading is due
	readable    bool            // the newest reading succeeded
	wanted      snapshot.Digest // of the newest reading
	contents    bool            // the bytes of wanted are in memory
	atomic      bool            // wanted is one source that is swapped as a whole
	settling    bool
	hinted      bool // a hint came while settling
	settleUntil time.Time
	settleBound time.Time

	// The server.
	seen      server
	fresh     bool          // seen belongs to the current attempt
	refusal   bool          // seen.ready is false because asking is pointless
	readyWait time.Duration // until the next look at a server that is not ready
	misses    int           // failed looks in a row at an idle target's server
	// blind counts failed comparisons in a row of an idle target's server. The server may answer other requests, but that
	// does not show what it runs.
	blind     int
	observeAt time.Time
	compareAt time.Time // the next comparison of an idle target's server with the files
	// lookWanted means that someone waits for a comparison now. lookedAt is the time of the newest one.
	lookWanted bool
	lookedAt   time.Time
	// keptUnknown means that a reload failed and it is not known what the server has run since.
	keptUnknown bool

	// The verdict on wanted, for one life of the server.
	judged      snapshot.Digest
	judgedEpoch string
	valid       bool

	// The current plan.
	planned      snapshot.Digest
	plannedEpoch string
	calls        bool

	// The gate.
	published snapshot.Digest
	refused   refusals // by the server
	// forgivenAt is when refusals were last cleared because of another server.
	forgivenAt time.Time
	stuck      bool            // it holds refused files, and there is nothing to go back to
	accepted   snapshot.Digest // the newest files in it that were proven; zero when there are none
	// publishedAt and awaySince tell how long the server has had the chance to start with the published files.
	publishedAt, awaySince time.Time
	// unstarted are the files that count as refused only because the server did not start with them.
	unstarted snapshot.Digest

	// The reload.
	running snapshot.Digest // last proven
	proof   proofState
	proven  server
	// strayed means that the server could have read files other than those of the proof since then: they
	// were in the directory that it reads.
	strayed bool
	// unread says that the files were not read since the newest reload; moved, that they were written to between the readings
	// before and after it, so that it may have loaded others, whatever they are now.
	unread, moved bool
	misread       bool            // that this was so of the newest reload, and nothing was proven since
	moves         int             // reloads in a row during which they were
	asked         asked           // "does it already run this?" was answered with no
	sent          snapshot.Digest // the call succeeded, the proof is due
	sentEpoch     string
	failures      int       // failed proofs in a row, or reloads that the server answered with a 5xx error
	mismatches    int       // proofs in a row that showed other contents
	repeats       int       // reloads made because of mismatches, after the first
	lastReload    time.Time // the newest successful call
	// reloadBefore is the one before it.
	reloadBefore time.Time
	// calledAt is when the newest call ended, also a failed one. follows counts the calls in a row after which the files changed at
	// once; followed is the newest of these calls.
	calledAt, followed time.Time
	follows            int
	// answers counts the calls in a row after which someone else made the server load, soon and with the same files; answered is
	// the newest of these calls.
	answered time.Time
	answers  int

	// The scheduled retry.
	retryAt  time.Time
	cause    Phase
	manualAt time.Time // when a retry was last made on request
}

// asked identifies one question: does the server already run the goal?
type asked struct {
	goal        snapshot.Digest
	epoch, load string
}

type eventKind uint8

const (
	evStart eventKind = iota
	evHint
	evTimer
	evRead
	evObserved
	evJudged
	evPlanned
	evPublished
	evRolledBack
	evReloaded
	evConfirmed
)

// event is the outcome of one action, or something that ended a wait. Only the fields of its kind are set.
type event struct {
	kind      eventKind
	at        time.Time
	failed    bool            // the action could not be done
	delay     time.Duration   // until the next attempt, if failed or not ready
	manual    bool            // evHint: someone asked for it
	digest    snapshot.Digest // evRead, evRolledBack; evConfirmed, evReloaded, evPublished, evPlanned: the goal
	atomic    bool            // evRead
	swapped   bool            // evRead: only sources that are swapped as a whole have changed
	same      bool            // evRead: nothing changed, so nothing was read
	moved     bool            // evRead: the files were written to since the reading before
	replaced  bool            // evObserved: the gate does not hold what was published, but digest
	valid     bool            // evJudged
	calls     bool            // evPlanned
	server    server          // evObserved, evConfirmed
	refused   bool            // evReloaded, evConfirmed: the server judged the files
	untouched bool            // evReloaded: the call never reached the files
	kept      bool            // evReloaded: the server still runs what it ran
	reloaded  bool            // evConfirmed
	proven    bool            // evConfirmed
	overtaken bool            // evConfirmed: the files changed before they were compared
	mismatch  bool            // evConfirmed: the server answered, and runs something else
	look      bool            // evHint: someone waits for a look; evConfirmed: the answer to a look
	broken    bool            // evReloaded: the server answered with a 5xx error, or the cause is unsure
}

type actionKind uint8

const (
	actWait actionKind = iota
	actRead
	actObserve
	actJudge
	actPlan
	actPublish
	actRollback
	actReload
	actConfirm
	actAdopt // nothing needs to be called: the goal counts as running
	actLook  // does the server still run what it was proven to run?
)

// action is what the target does next. Each action gives exactly one event, except a wait that its context
// ends.
type action struct {
	kind     actionKind
	until    time.Time       // actWait: zero means until a hint
	goal     snapshot.Digest // what the server should run
	reloaded bool            // actConfirm
	look     bool            // actWait: someone waits for the comparison that comes next
}

func newState(t timing, published, accepted snapshot.Digest, refused refusals) state {
	return state{timing: t, phase: Starting, stale: true, published: published, accepted: accepted, refused: refused}
}

// unseen reports, for a target at rest, that the server answers but does not show what it runs.
func (s *state) unseen() bool {
	goal, _ := s.goal()
	return s.blind > 1 && s.misses < 2 && s.proof == proofStands && (goal.IsZero() || goal == s.running)
}

// runningNow is what the server runs according to the server itself; zero when that is not known, or when the
// server does not answer.
func (s *state) runningNow() snapshot.Digest {
	if (s.proof == proofStands || s.proof == proofKept) && s.misses < 2 && s.blind < 2 {
		return s.running
	}
	return snapshot.Digest{}
}

package reload

import (
	"time"

	"reloader/internal/snapshot"
)

// timing is what the state machine needs to know of a target's options.
type timing struct {
	gated     bool
	settle    time.Duration // quiet time that a change needs when it is not one atomic swap
	settleMax time.Duration // upper bound of all settling of one change
	spacing   time.Duration // no more than two successful reloads within it
	idle      time.Duration // how often the server is observed while nothing happens
	compare   time.Duration // how often it is compared with the files while nothing happens; 0: never
	recheck   time.Duration // second look at a server that did not answer once
	unproven  int           // gated: reloads without proof until the files count as refused
	patience  time.Duration // gated: how long a server may take to start on files that were never proven
}

// proofState is what the last proof is worth now.
type proofState uint8

const (
	proofNone    proofState = iota // nothing is known of what the server runs
	proofStands                    // the server runs what it was proven to run
	proofKept                      // it refused other files since, and says that it still runs those of the proof
	proofDoubted                   // it may have loaded something since: it is asked before anything is said about it
)

// server is the part of an Observation that decisions need.
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
	hinted      bool // something moved while settling
	settleUntil time.Time
	settleBound time.Time

	// The server.
	seen      server
	fresh     bool          // seen belongs to the attempt that is under way
	refusal   bool          // seen.ready is false because asking is pointless
	readyWait time.Duration // until the next look at a server that is not ready
	misses    int           // looks in a row at an idle target's server that failed
	// blind counts the comparisons in a row of an idle target's server that could not be made: that it answers otherwise
	// tells nothing of what it runs.
	blind     int
	observeAt time.Time
	compareAt time.Time // the next comparison of an idle target's server with the files
	// lookWanted says that someone waits for a comparison now; lookedAt is when the newest one began.
	lookWanted bool
	lookedAt   time.Time
	// keptUnknown says that a reload failed and no one has said what the server runs since.
	keptUnknown bool

	// The verdict on wanted, for one life of the server.
	judged      snapshot.Digest
	judgedEpoch string
	valid       bool

	// The present plan.
	planned      snapshot.Digest
	plannedEpoch string
	calls        bool

	// The gate.
	published snapshot.Digest
	refused   refusals // by the server
	// forgivenAt is when refusals were last let go of for another server.
	forgivenAt time.Time
	stuck      bool            // it holds refused files, and there is nothing to go back to
	accepted   snapshot.Digest // the newest files in it that were proven; zero when there are none
	// publishedAt and awaySince say how long the server has had the chance to start on what is published.
	publishedAt, awaySince time.Time
	// unstarted are the files that count as refused only because the server did not start on them.
	unstarted snapshot.Digest

	// The reload.
	running snapshot.Digest // last proven
	proof   proofState
	proven  server
	// strayed says that since the proof the server could have read other files than those of the proof: they
	// were in the directory that it reads.
	strayed    bool
	asked      asked           // "does it run this already?" was answered with no
	sent       snapshot.Digest // the call succeeded, the proof is due
	sentEpoch  string
	failures   int       // proofs in a row that failed, or reloads that the server answered with an error of its own
	mismatches int       // proofs in a row that showed other contents
	repeats    int       // reloads that were made because of those, after the first
	lastReload time.Time // the newest successful call
	// reloadBefore is the one before it.
	reloadBefore time.Time

	// The scheduled retry.
	retryAt  time.Time
	cause    Phase
	manualAt time.Time // when a retry was made because someone asked for it
}

// asked identifies one question whether the server already runs the goal.
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

// event is one answer of the world. Only the fields of its kind are set.
type event struct {
	kind      eventKind
	at        time.Time
	failed    bool            // the action could not be done
	delay     time.Duration   // until the next try, where failed or not ready
	manual    bool            // evHint: someone asked for it
	digest    snapshot.Digest // evRead, evRolledBack; evConfirmed, evReloaded, evPublished, evPlanned: the goal
	atomic    bool            // evRead
	same      bool            // evRead: nothing new, and nothing was read
	replaced  bool            // evObserved: the gate holds something else than was published, which is digest
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
	broken    bool            // evReloaded: the server answered with an error of its own (5xx)
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

// action is what the target does next. Each action but a wait that ends by its context gives
// exactly one event.
type action struct {
	kind     actionKind
	until    time.Time       // actWait: zero means until a hint
	goal     snapshot.Digest // what the server should run
	reloaded bool            // actConfirm
	look     bool            // actWait: a comparison that someone waits for comes next
}

func newState(t timing, published, accepted snapshot.Digest, refused refusals) state {
	return state{timing: t, phase: Starting, stale: true, published: published, accepted: accepted, refused: refused}
}

// unseen says that a server which answers does not tell what it runs, at rest.
func (s *state) unseen() bool {
	goal, _ := s.goal()
	return s.blind > 1 && s.misses < 2 && s.proof == proofStands && (goal.IsZero() || goal == s.running)
}

// runningNow is what the server runs as far as it said so itself; zero when that is not known, or when the
// server does not answer.
func (s *state) runningNow() snapshot.Digest {
	if (s.proof == proofStands || s.proof == proofKept) && s.misses < 2 && s.blind < 2 {
		return s.running
	}
	return snapshot.Digest{}
}

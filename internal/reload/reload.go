// Package reload keeps one server on the newest valid files: it decides, calls, retries and proves.
package reload

import (
	"context"
	"maps"
	"time"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Phase is where a target stands.
type Phase string

// The phases of a target, as they appear in logs, metrics and the status.
const (
	Starting   Phase = "Starting"   // nothing read yet
	Waiting    Phase = "Waiting"    // the source is missing, or the server is not ready
	Settling   Phase = "Settling"   // a change was seen; more may be on its way
	Checking   Phase = "Checking"   // the validator runs
	Rejected   Phase = "Rejected"   // the newest files are invalid; the server keeps the last good ones
	Unjudged   Phase = "Unjudged"   // the validator could not judge; nothing is applied, it is tried again
	Publishing Phase = "Publishing" // the gate is being written
	Reloading  Phase = "Reloading"  // the request is in flight
	Confirming Phase = "Confirming" // the server is asked what it runs
	Retrying   Phase = "Retrying"   // the reload failed; the next try is scheduled
	RolledBack Phase = "RolledBack" // the server refused; the gate holds the last good files again
	Mismatch   Phase = "Mismatch"   // the server took the reload and runs something else than the files
	InSync     Phase = "InSync"     // the server was proven to run the wanted digest
)

// Status is one target's state, as the API shows it.
type Status struct {
	Target string `json:"target"`
	Kind   string `json:"kind"`
	Phase  Phase  `json:"phase"`
	// Since is when the phase began.
	Since time.Time `json:"since"`
	// Wanted is the digest of the newest reading, Running the one the server was proven to run.
	Wanted  snapshot.Digest `json:"wanted"`
	Running snapshot.Digest `json:"running"`
	// LastProven is the digest that the server was last proven to run, whether or not it answers now; zero when never.
	LastProven snapshot.Digest `json:"lastProven,omitzero"`
	// Sources are the digests of each source in the newest reading, by name, and of directories that hold
	// several of them: see snapshot.Set.Digests.
	Sources map[string]snapshot.Digest `json:"sources,omitempty"`
	// Findings are of the newest verdict.
	Findings []finding.Finding `json:"findings,omitempty"`
	// Reason says in one line why the target is not in sync, and what to do.
	Reason string `json:"reason,omitempty"`
	// WantedChanges says in words what the newest files change against what the server was last proven to
	// run: names, never values.
	WantedChanges []string `json:"wantedChanges,omitempty"`
	// Changes is the redacted diff of the last applied change: names, never values.
	Changes []string `json:"changes,omitempty"`
	// RestartRequired names the settings that only a restart of the server can bring.
	RestartRequired []string `json:"restartRequired,omitempty"`
	// Differences names what the server was seen to run differently from the files; empty when in sync.
	Differences []string `json:"differences,omitempty"`
	// Cause is the likely cause of the differences, and what to do.
	Cause string `json:"cause,omitempty"`
	// NotCompared names what the server did not tell, and why: the proof does not cover it.
	NotCompared []string `json:"notCompared,omitempty"`
	// Looked is when the server was last compared with the files and ran them; zero when never.
	Looked time.Time `json:"looked,omitzero"`
	// ServerVersion is what the server last said; empty when it was not asked.
	ServerVersion string `json:"serverVersion,omitempty"`
	// ServerLife identifies one run of the server's process: it differs after a restart.
	ServerLife string `json:"-"`
	// LastSuccess is when a reload was last proven; zero when never.
	LastSuccess time.Time `json:"lastSuccess,omitzero"`
	// LastDuration is from noticing the change to the proof, of the last applied change.
	LastDuration time.Duration `json:"lastDurationNanoseconds,omitempty"`
	// NextTry is when a scheduled retry is due.
	NextTry time.Time `json:"nextTry,omitzero"`
	// Proof says what the last proof rests on; for a signal without a URL it says that nothing does.
	Proof string `json:"proof,omitempty"`
	// Failure is the newest failed call since the last success; nil when there is none.
	Failure *FailureStatus `json:"failure,omitempty"`
	// Applied says that the newest files are live, or that a change is being worked on and nothing has failed:
	// false from the first failure of any kind (verdict, gate, call, proof), and while the target has waited more
	// than 10 s for its server, until the next proof.
	Applied bool `json:"applied"`
	// Counts only grow, from 0 at our start.
	Counts Counts `json:"counts"`
}

// FailureStatus is a Failure as the API shows it.
type FailureStatus struct {
	Class   Class     `json:"class"`
	Message string    `json:"message"`
	Hint    string    `json:"hint,omitempty"`
	Body    string    `json:"body,omitempty"`
	At      time.Time `json:"at"`
}

// Counts are what a target did since our start.
type Counts struct {
	// Changes are changes that were seen; ChangesFailed those that were rejected or refused.
	Changes       uint64 `json:"changes"`
	ChangesFailed uint64 `json:"changesFailed"`
	// Reloads are calls of the server, failed ones included; ReloadsFailed those that failed
	// or could not be proven.
	Reloads       uint64 `json:"reloads"`
	ReloadsFailed uint64 `json:"reloadsFailed"`
	// Unjudged are validations that ended without a verdict.
	Unjudged uint64 `json:"unjudged"`
	// RollBacks are returns to the last good files.
	RollBacks uint64 `json:"rollBacks"`
	// Mismatches are looks at which the server ran something else than it should.
	Mismatches uint64 `json:"mismatches"`
	// Failures are all failed requests by class, those that only ask included. It is never changed in place.
	Failures map[Class]uint64 `json:"failures,omitempty"`
}

// fail counts one failure.
func (c *Counts) fail(class Class) {
	grown := make(map[Class]uint64, len(c.Failures)+1)
	maps.Copy(grown, c.Failures)
	grown[class]++
	c.Failures = grown
}

// Reader reads all sources of a target at once. It is called from the target's goroutine only.
type Reader interface {
	// Read reads everything again.
	Read(ctx context.Context) (*snapshot.Set, error)
	// Findings are what the newest reading itself found wrong, in decompressing a file for example.
	// They are part of the verdict on it.
	Findings() []finding.Finding
	// Unchanged says, without reading any contents, that Read would return what it returned last. False
	// means that only a reading can tell.
	Unchanged(ctx context.Context) bool
	// SameCommit says that all sources are swapped as a whole, and have not been since Read began: a hint
	// is then no reason to read again before a reload. False means that only a reading can tell.
	SameCommit() bool
	// Dirs are the directories to watch, as the newest reading knows them.
	Dirs() []string
}

// Watch reports changes in directories.
type Watch interface {
	// C gives hints. There is room for one: hints that no one takes are one hint.
	C() <-chan struct{}
	// SetDirs replaces the directories; a new one leads to a hint.
	SetDirs(dirs []string)
}

// Gate is the directory that the server of a gated target reads.
type Gate interface {
	// Publish makes the set the newest generation, atomically.
	Publish(ctx context.Context, set *snapshot.Set) error
	// Accept marks a published digest as good: the server was proven to run it.
	Accept(digest snapshot.Digest) error
	// Rollback publishes the last accepted generation again that is none of the refused ones, and
	// returns its digest; the zero Digest when there is none.
	Rollback(ctx context.Context, refused ...snapshot.Digest) (snapshot.Digest, error)
	// Current is the digest that readers see now; the zero Digest when there is none.
	Current() snapshot.Digest
	// Look sees whether the directory is still the one that was published to, and returns what readers see then.
	Look() (snapshot.Digest, error)
	// LastAccepted is the digest that Rollback would go back to; the zero Digest when there is none.
	LastAccepted() snapshot.Digest
	// Refuse keeps, beyond our own restart, what the server refused, with the version and the life of the
	// server (Observation.Epoch) that refused.
	Refuse(version, epoch string, digests []snapshot.Digest) error
	// Refused are those of the last Refuse.
	Refused() (version, epoch string, digests []snapshot.Digest)
}

// Observer gets every transition, from the target's goroutine; it must not block.
type Observer interface {
	Transition(from, to Status)
}

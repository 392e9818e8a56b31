// Package reload keeps one server on the newest valid files: it decides, calls, retries and proves.
package reload

import (
	"context"
	"maps"
	"time"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Phase is the state of a target in one word.
type Phase string

// The phases of a target, as they appear in logs, metrics and the status.
const (
	Starting   Phase = "Starting"   // nothing read yet
	Waiting    Phase = "Waiting"    // the source is missing, or the server is not ready
	Settling   Phase = "Settling"   // a change was seen; more may follow
	Checking   Phase = "Checking"   // the validator runs
	Rejected   Phase = "Rejected"   // the newest files are invalid; the server keeps the last good ones
	Unjudged   Phase = "Unjudged"   // the validator could not judge; nothing is applied, validation is retried
	Publishing Phase = "Publishing" // the gate is being written
	Reloading  Phase = "Reloading"  // the request is in flight
	Confirming Phase = "Confirming" // the server is asked what it runs
	Retrying   Phase = "Retrying"   // the reload failed; the next try is scheduled
	RolledBack Phase = "RolledBack" // the server refused; the gate holds the last good files again
	Mismatch   Phase = "Mismatch"   // the server accepted the reload but runs something other than the files
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
	// several sources: see snapshot.Set.Digests.
	Sources map[string]snapshot.Digest `json:"sources,omitempty"`
	// Findings are those of the newest verdict.
	Findings []finding.Finding `json:"findings,omitempty"`
	// Reason says in one line why the target is not in sync, and what to do.
	Reason string `json:"reason,omitempty"`
	// WantedChanges says in words how the newest files differ from what the server was last proven to
	// run: names, never values.
	WantedChanges []string `json:"wantedChanges,omitempty"`
	// Changes is the redacted diff of the last applied change: names, never values.
	Changes []string `json:"changes,omitempty"`
	// RestartRequired names the settings that only a restart of the server applies.
	RestartRequired []string `json:"restartRequired,omitempty"`
	// Differences names what the server was seen to run differently from the files; empty when in sync.
	Differences []string `json:"differences,omitempty"`
	// Cause is the likely cause of the differences, and what to do.
	Cause string `json:"cause,omitempty"`
	// NotCompared names what the server did not report, and why: the proof does not cover it.
	NotCompared []string `json:"notCompared,omitempty"`
	// Looked is when a comparison last showed that the server runs the files; zero when never.
	Looked time.Time `json:"looked,omitzero"`
	// ServerVersion is what the server last reported; empty when it was not asked.
	ServerVersion string `json:"serverVersion,omitempty"`
	// ServerLife identifies one run of the server's process: it differs after a restart.
	ServerLife string `json:"-"`
	// LastSuccess is when a reload was last proven; zero when never.
	LastSuccess time.Time `json:"lastSuccess,omitzero"`
	// LastDuration is the time from noticing the last applied change to its proof.
	LastDuration time.Duration `json:"lastDurationNanoseconds,omitempty"`
	// NextTry is when a scheduled retry is due.
	NextTry time.Time `json:"nextTry,omitzero"`
	// Proof says what the last proof rests on; for a signal without a URL, that there is none.
	Proof string `json:"proof,omitempty"`
	// Failure is the newest failed call since the last success; nil when there is none.
	Failure *FailureStatus `json:"failure,omitempty"`
	// Applied means that the newest files are live, or that a change is in progress and nothing has failed.
	// It is false from the first failure of any kind (verdict, gate, call, proof) until the next proof, and once the
	// target has waited more than 10 s for its server.
	Applied bool `json:"applied"`
	// Counts only grow, from 0 when reloader starts.
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

// Counts are what a target did since reloader started.
type Counts struct {
	// Changes are changes that were seen; ChangesFailed those that were rejected or refused.
	Changes       uint64 `json:"changes"`
	ChangesFailed uint64 `json:"changesFailed"`
	// Reloads are calls to the server, including failed ones; ReloadsFailed those that failed
	// or could not be proven.
	Reloads       uint64 `json:"reloads"`
	ReloadsFailed uint64 `json:"reloadsFailed"`
	// Unjudged are validations that ended without a verdict.
	Unjudged uint64 `json:"unjudged"`
	// RollBacks are returns to the last good files.
	RollBacks uint64 `json:"rollBacks"`
	// Mismatches are comparisons that showed the server running something other than it should.
	Mismatches uint64 `json:"mismatches"`
	// Failures are all failed requests by class, including those that only ask. The map is never changed in place.
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
	// Findings are what the newest reading itself found wrong, for example when decompressing a file.
	// They are part of the verdict on it.
	Findings() []finding.Finding
	// Unchanged reports, without reading any contents, that Read would return what it returned last. False
	// means that only a reading can tell.
	Unchanged(ctx context.Context) bool
	// SameCommit reports that all sources are swapped as a whole, and were not swapped since Read began. Then a hint
	// is no reason to read again before a reload. False means that only a reading can tell.
	SameCommit() bool
	// Dirs are the directories to watch, according to the newest reading.
	Dirs() []string
}

// Watch reports changes in directories.
type Watch interface {
	// C delivers hints. It holds one: more hints that no one has received yet are merged into it.
	C() <-chan struct{}
	// SetDirs replaces the directories; a new one causes a hint.
	SetDirs(dirs []string)
}

// Gate is the directory that the server of a gated target reads.
type Gate interface {
	// Publish makes the set the newest generation, atomically.
	Publish(ctx context.Context, set *snapshot.Set) error
	// Accept marks a published digest as good: the server was proven to run it.
	Accept(digest snapshot.Digest) error
	// Rollback publishes the newest accepted generation that is not among the refused ones, and
	// returns its digest; the zero Digest when there is none.
	Rollback(ctx context.Context, refused ...snapshot.Digest) (snapshot.Digest, error)
	// Current is the digest that readers see now; the zero Digest when there is none.
	Current() snapshot.Digest
	// Look checks whether the directory is still the one that was published to, and returns the digest that readers see.
	Look() (snapshot.Digest, error)
	// LastAccepted is the digest that Rollback would go back to; the zero Digest when there is none.
	LastAccepted() snapshot.Digest
	// Refuse records what the server refused, with the server's version and life (Observation.Epoch). The record
	// survives a restart of reloader.
	Refuse(version, epoch string, digests []snapshot.Digest) error
	// Refused returns what the last Refuse recorded.
	Refused() (version, epoch string, digests []snapshot.Digest)
}

// Observer gets every transition, from the target's goroutine; it must not block.
type Observer interface {
	Transition(from, to Status)
}

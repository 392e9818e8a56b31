// Package history keeps the last changes of each target and how each ended.
package history

import (
	"maps"
	"slices"
	"sync"
	"time"

	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// Outcome is how a change ended, or Pending.
type Outcome string

// The outcomes.
const (
	Pending    Outcome = "pending"     // it is being judged or applied
	Live       Outcome = "live"        // the server was proven to run it
	Rejected   Outcome = "rejected"    // the validator found errors; the server keeps the previous files
	Refused    Outcome = "refused"     // the server itself refused it
	RolledBack Outcome = "rolled back" // the server refused it, and the gate holds the last good files again
	Mismatch   Outcome = "mismatch"    // the server accepted it but runs something else
	Replaced   Outcome = "replaced"    // a newer change came before this one was live
	Restarted  Outcome = "restarted"   // no change: the server was restarted
)

// Entry is one change of a target's files, or one restart of its server.
type Entry struct {
	// Seen is when the change was noticed.
	Seen    time.Time `json:"seen"`
	Outcome Outcome   `json:"outcome"`
	// Digest is the digest of the files.
	Digest snapshot.Digest `json:"digest,omitzero"`
	// Changes says in words what changed: names, never values.
	Changes []string `json:"changes,omitempty"`
	// Live is when the server was proven to run the files; Took is the time from Seen to Live.
	Live time.Time     `json:"live,omitzero"`
	Took time.Duration `json:"tookNanoseconds,omitempty"`
	// Errors and Warnings count the findings; with AtLeast there were more. Findings are the first of them.
	Errors   int      `json:"errors,omitempty"`
	Warnings int      `json:"warnings,omitempty"`
	AtLeast  bool     `json:"atLeast,omitempty"`
	Findings []string `json:"findings,omitempty"`
	// Reason says why the change is not live; Answer is the server's answer.
	Reason string `json:"reason,omitempty"`
	Answer string `json:"answer,omitempty"`
	// Failures counts failed attempts and failed proofs.
	Failures int `json:"failures,omitempty"`
	// Writer is who wrote the object behind the files, if the Kubernetes API was asked.
	Writer *Writer `json:"writer,omitempty"`
	// FromWrite is the time from that write to Live.
	FromWrite time.Duration `json:"fromWriteNanoseconds,omitempty"`
}

// Writer is who wrote a Kubernetes object last, according to its managedFields.
type Writer struct {
	// Object is resource/name ("configmaps/prometheus-yml").
	Object string `json:"object"`
	// Manager is the field manager ("kubectl-client-side-apply", "argocd-controller").
	Manager string    `json:"manager"`
	Time    time.Time `json:"time"`
}

// Report is the whole history, as GET /api/v1/history returns it.
type Report struct {
	Targets []Target `json:"targets"`
}

// Target is the history of one target, the newest entry first.
type Target struct {
	Target  string  `json:"target"`
	Kind    string  `json:"kind"`
	Entries []Entry `json:"entries"`
}

// Log is the history of all targets. It is a reload.Observer; all methods may be called from any goroutine.
type Log struct {
	mu      sync.Mutex
	targets map[string]*target
	changed func()
	writer  func(target string, since time.Time) *Writer
}

// target keeps its entries oldest first.
type target struct {
	kind    string
	entries []Entry
	save    func([]byte)
}

// New makes an empty history. It calls changed after each entry that was added or changed. changed must not
// block and may be nil.
func New(changed func()) *Log {
	if changed == nil {
		changed = func() {}
	}
	return &Log{targets: map[string]*target{}, changed: changed}
}

// WriterFrom sets the function that returns who wrote the newest of a target's objects after a time. It must
// not block.
func (l *Log) WriterFrom(f func(target string, since time.Time) *Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writer = f
}

// Add adds a target. kept are its entries from before a restart, as save got them, or empty. save is called each time
// an entry is complete, and may be nil.
func (l *Log) Add(name, kind string, kept []byte, save func([]byte)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.targets[name]
	if t == nil {
		t = &target{entries: decode(kept)}
		l.targets[name] = t
	}
	t.kind, t.save = kind, save
}

// Remove forgets a target.
func (l *Log) Remove(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.targets, name)
}

// Report returns a copy of everything, targets by name.
func (l *Log) Report() Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Report{Targets: []Target{}}
	for _, name := range slices.Sorted(maps.Keys(l.targets)) {
		t := l.targets[name]
		entries := append([]Entry{}, t.entries...) // never nil: in JSON it is a list
		slices.Reverse(entries)
		r.Targets = append(r.Targets, Target{Target: name, Kind: t.kind, Entries: entries})
	}
	return r
}

// Transition implements reload.Observer.
func (l *Log) Transition(from, to reload.Status) {
	l.mu.Lock()
	t := l.targets[to.Target]
	if t == nil {
		l.mu.Unlock()
		return
	}
	complete := t.note(from, to, l.writer)
	l.bound()
	var data []byte
	save := t.save
	if complete && save != nil {
		data = encode(t.entries)
	}
	l.mu.Unlock()
	if data != nil {
		save(data)
	}
	l.changed()
}

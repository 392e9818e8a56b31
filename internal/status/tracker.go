// Package status serves the state of all targets: metrics, JSON and probes.
package status

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// Build identifies this program.
type Build struct {
	Version, Revision, GoVersion string
}

// Report is the whole status, as GET /api/v1/status returns it.
type Report struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	// Ready means that every target has read its files once and that reloader is not stopping.
	Ready bool `json:"ready"`
	// NotReady says why not, in one line.
	NotReady string `json:"notReady,omitempty"`
	// ConfigFile is reloader's own configuration file; nil if there is none.
	ConfigFile *ConfigFile `json:"configFile,omitempty"`
	// Notes are findings about the setup as a whole.
	Notes   []finding.Finding `json:"notes,omitempty"`
	Targets []reload.Status   `json:"targets"`
}

// ConfigFile is the state of reloader's own configuration file.
type ConfigFile struct {
	Path string `json:"path"`
	// Error says why the newest contents are not in use; empty when they are.
	Error string `json:"error,omitempty"`
	// Loaded is when the contents in use were read.
	Loaded time.Time `json:"loaded,omitzero"`
}

// Tracker keeps the newest status of every target and serves it. It is a reload.Observer;
// all methods may be called from any goroutine.
type Tracker struct {
	build Build

	// mu is never held while a gate or a target is asked: that may take a while, and no transition, probe
	// or stop may wait for it.
	mu       sync.Mutex
	targets  map[string]*target
	file     *ConfigFile
	notes    []finding.Finding
	watch    func() Watch
	calls    func() []Call
	stopping bool
	started  bool
}

// Target is what the Tracker needs from a target.
type Target struct {
	Name, Kind string
	// Status returns the newest status; nil: use that of the last transition.
	Status func() reload.Status
	// Gate returns the digest of the files in the server's directory; zero if it has no complete
	// generation. It is nil in direct mode.
	Gate func() snapshot.Digest
	// Look compares what the server runs with the files, at most until ctx ends. It may be nil.
	Look func(ctx context.Context)
}

// target is what is known about one target.
type target struct {
	Target
	last reload.Status // from the last transition
	// failures are failed reloads by class.
	failures map[reload.Class]uint64
	times    durations
}

// seen is the state of one target and its gate at one moment.
type seen struct {
	*target
	now   reload.Status
	gated bool
	gate  snapshot.Digest
	// failures is a copy.
	failures map[reload.Class]uint64
}

// look asks every target for its state, in the order of names. The lock must not be held.
func (t *Tracker) look() []seen {
	t.mu.Lock()
	list := make([]seen, 0, len(t.targets))
	for _, name := range slices.Sorted(maps.Keys(t.targets)) {
		known := t.targets[name]
		list = append(list, seen{target: known, now: known.last, failures: maps.Clone(known.failures)})
	}
	t.mu.Unlock()
	for i := range list {
		s := &list[i]
		if s.Status != nil {
			s.now = s.Status()
		}
		if s.Gate != nil {
			s.gated, s.gate = true, s.Gate()
		}
	}
	return list
}

// Watch are the figures of watching.
type Watch struct {
	// Watches are directories that inotify watches now; 0 while only polling.
	Watches int
	// Events counts what the kernel reported, Errors failures to watch; both only grow.
	Events, Errors uint64
	// Polling means that inotify is unavailable for some or all directories.
	Polling bool
}

// New returns a Tracker without targets.
func New(build Build) *Tracker {
	return &Tracker{build: build, targets: map[string]*target{}, watch: func() Watch { return Watch{} }, calls: func() []Call { return nil }}
}

// Add adds a target before it starts. It replaces one with the same name.
func (t *Tracker) Add(added Target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := &target{
		Target:   added,
		last:     reload.Status{Target: added.Name, Kind: added.Kind, Phase: reload.Starting, Since: time.Now()},
		failures: map[reload.Class]uint64{},
		times:    newDurations(),
	}
	if before, ok := t.targets[added.Name]; ok {
		known.failures, known.times = before.failures, before.times
		// The new one may go on with the counts and the success of the old one (reload.Target.Inherit): they were seen here.
		known.last.Counts, known.last.LastSuccess, known.last.LastDuration = before.last.Counts, before.last.LastSuccess, before.last.LastDuration
	}
	t.targets[added.Name] = known
}

// Remove forgets a target and its metrics.
func (t *Tracker) Remove(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.targets, name)
}

// Transition implements reload.Observer.
func (t *Tracker) Transition(from, to reload.Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.targets[to.Target]
	if !ok {
		return
	}
	// Counts also grow between transitions, so compare with those of the last transition.
	before := known.last.Counts.ReloadsFailed
	if to.Counts.ReloadsFailed < before {
		before = 0 // it replaces a target for another server
	}
	if to.Counts.ReloadsFailed > before {
		class := reload.ClassUnexpected
		if to.Failure != nil {
			class = to.Failure.Class
		}
		known.failures[class] += to.Counts.ReloadsFailed - before
	}
	known.times.observe(known.last, from, to)
	known.last = to
}

// WatchedBy sets the function that returns the figures of watching.
func (t *Tracker) WatchedBy(figures func() Watch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watch = figures
}

// Call is a number of requests of one kind to the Kubernetes API.
type Call struct {
	// Verb is written as in a Role. Code is the HTTP status, or "none" if there was no answer.
	Verb, Code string
	// Count only grows.
	Count uint64
}

// CallsBy sets the function that returns the counts of requests to the Kubernetes API.
func (t *Tracker) CallsBy(figures func() []Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = figures
}

// OwnFile sets the state of reloader's own configuration file.
func (t *Tracker) OwnFile(f ConfigFile) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.file = &f
}

// Note sets the findings about the setup as a whole. They replace the earlier ones.
func (t *Tracker) Note(notes []finding.Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = slices.Clone(notes)
}

// Started reports that all targets were added, so that readiness can be judged.
func (t *Tracker) Started() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.started = true
}

// Stopping makes readiness false permanently.
func (t *Tracker) Stopping() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopping = true
}

// Look makes all targets compare what their servers run with the files, and waits for them.
func (t *Tracker) Look(ctx context.Context) {
	t.mu.Lock()
	var looks []func(context.Context)
	for _, known := range t.targets {
		if known.Look != nil {
			looks = append(looks, known.Look)
		}
	}
	t.mu.Unlock()
	var all sync.WaitGroup
	for _, look := range looks {
		all.Go(func() { look(ctx) })
	}
	all.Wait()
}

// Report returns the whole status, targets by name. The caller must not change what it points to.
func (t *Tracker) Report() Report {
	list := t.look()
	t.mu.Lock()
	defer t.mu.Unlock()
	r := Report{Version: t.build.Version, Revision: t.build.Revision, ConfigFile: t.file, Notes: t.notes, Targets: []reload.Status{}}
	for _, s := range list {
		r.Targets = append(r.Targets, s.now)
	}
	r.NotReady = t.notReady(list, false)
	r.Ready = r.NotReady == ""
	return r
}

// NotReady says in one line why reloader is not ready; empty if it is. With startup, a gated
// target also needs a first generation, so that the server can start.
func (t *Tracker) NotReady(startup bool) string {
	list := t.look()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.notReady(list, startup)
}

// beforePublish reports that it is not decided yet what the gate should contain.
func beforePublish(p reload.Phase) bool {
	return p == reload.Settling || p == reload.Checking || p == reload.Publishing
}

func (t *Tracker) notReady(list []seen, startup bool) string {
	switch {
	case t.stopping:
		return "stopping"
	case !t.started:
		return "starting"
	}
	var waiting []string
	for _, s := range list {
		switch {
		case s.now.Phase == reload.Starting:
			waiting = append(waiting, s.Name+" has not read its files yet")
		case startup && s.gated && s.gate.IsZero():
			waiting = append(waiting, s.Name+" has no generation yet")
		case startup && s.gated && beforePublish(s.now.Phase):
			// An earlier pod left a generation. The server should not start with it, only to be
			// reloaded a moment later.
			waiting = append(waiting, s.Name+" is still checking its files")
		}
	}
	return strings.Join(waiting, ", ")
}

// Package status shows what the targets do: metrics, JSON, a page, health.
package status

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// Build is what this program is.
type Build struct {
	Version, Revision, GoVersion string
}

// Report is the whole status, as GET /api/v1/status returns it.
type Report struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	// Ready says that every target has read its files once and that we are not stopping.
	Ready bool `json:"ready"`
	// NotReady says why not, in one line.
	NotReady string `json:"notReady,omitempty"`
	// ConfigFile is our own configuration file; nil when flags alone were given.
	ConfigFile *ConfigFile `json:"configFile,omitempty"`
	// Notes are what a user should know about the set-up as a whole.
	Notes   []finding.Finding `json:"notes,omitempty"`
	Targets []reload.Status   `json:"targets"`
}

// ConfigFile is the state of our own configuration file.
type ConfigFile struct {
	Path string `json:"path"`
	// Error says why the newest contents are not in use; empty when they are.
	Error string `json:"error,omitempty"`
	// Loaded is when the contents in use were read.
	Loaded time.Time `json:"loaded,omitzero"`
}

// Tracker remembers the newest status of every target and serves it. It is a reload.Observer;
// all methods may be called from any goroutine.
type Tracker struct {
	build    Build
	registry *prometheus.Registry
	times    histograms

	// mu is never held while someone else is asked: a gate or a target may take its time, and no transition, no probe
	// and no stop waits for that.
	mu       sync.Mutex
	targets  map[string]*target
	file     *ConfigFile
	notes    []finding.Finding
	watch    func() Watch
	calls    func() []Call
	stopping bool
	started  bool
}

// Target is what the Tracker needs of a target.
type Target struct {
	Name, Kind string
	// Status is the newest status; nil means that of the last transition.
	Status func() reload.Status
	// Gate is the digest of the files in the server's directory, zero when it holds no complete
	// generation; nil in direct mode.
	Gate func() snapshot.Digest
	// Look compares what the server runs with the files, at most until ctx ends; nil: nothing does.
	Look func(ctx context.Context)
}

// target is what is known of one target.
type target struct {
	Target
	last reload.Status // of the last transition
	// failures are failed reloads by class.
	failures map[reload.Class]uint64
}

// seen is what one target, and its gate, say at one moment.
type seen struct {
	*target
	now   reload.Status
	gated bool
	gate  snapshot.Digest
	// failures are a copy.
	failures map[reload.Class]uint64
}

// look asks every target, by name. The lock must not be held.
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
	// Events are what the kernel reported, Errors failures to watch; both only grow.
	Events, Errors uint64
	// Polling says that inotify is unavailable, or not for all directories.
	Polling bool
}

// New returns a Tracker with a registry of its own.
func New(build Build) *Tracker {
	t := &Tracker{build: build, targets: map[string]*target{}, times: newHistograms(), watch: func() Watch { return Watch{} }, calls: func() []Call { return nil }}
	t.registry = newRegistry(t)
	return t
}

// Add makes a target known before it starts; one of the same name is replaced.
func (t *Tracker) Add(added Target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := &target{
		Target:   added,
		last:     reload.Status{Target: added.Name, Kind: added.Kind, Phase: reload.Starting, Since: time.Now()},
		failures: map[reload.Class]uint64{},
	}
	if before, ok := t.targets[added.Name]; ok {
		known.failures = before.failures
	}
	t.targets[added.Name] = known
	t.times.preset(added.Name)
}

// Remove forgets a target and its metrics.
func (t *Tracker) Remove(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.targets, name)
	t.times.forget(name)
}

// Transition implements reload.Observer.
func (t *Tracker) Transition(from, to reload.Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.targets[to.Target]
	if !ok {
		return
	}
	// Counts move between transitions too, so that they are compared with those of the last one.
	if before := known.last.Counts.ReloadsFailed; to.Counts.ReloadsFailed > before {
		class := reload.ClassUnexpected
		if to.Failure != nil {
			class = to.Failure.Class
		}
		known.failures[class] += to.Counts.ReloadsFailed - before
	}
	t.times.observe(known.last, from, to)
	known.last = to
}

// WatchedBy names the function that tells the figures of watching.
func (t *Tracker) WatchedBy(figures func() Watch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watch = figures
}

// Call is a number of requests of one kind to the Kubernetes API.
type Call struct {
	// Verb is as in a Role; Code the HTTP status, or "none" when no answer came.
	Verb, Code string
	// Count only grows.
	Count uint64
}

// CallsBy names the function that counts the requests to the Kubernetes API.
func (t *Tracker) CallsBy(figures func() []Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = figures
}

// OwnFile tells the state of our own configuration file.
func (t *Tracker) OwnFile(f ConfigFile) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.file = &f
}

// Note tells what a user should know about the set-up as a whole; it replaces the earlier notes.
func (t *Tracker) Note(notes []finding.Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = slices.Clone(notes)
}

// Started says that all targets are known, so that readiness can be judged.
func (t *Tracker) Started() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.started = true
}

// Stopping makes readiness false for good.
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

// Report returns a copy of the whole status, targets by name.
func (t *Tracker) Report() Report {
	list := t.look()
	t.mu.Lock()
	defer t.mu.Unlock()
	r := Report{Version: t.build.Version, Revision: t.build.Revision, Notes: t.notes, Targets: []reload.Status{}}
	if t.file != nil {
		file := *t.file
		r.ConfigFile = &file
	}
	for _, s := range list {
		r.Targets = append(r.Targets, s.now)
	}
	r.NotReady = t.notReady(list, false)
	r.Ready = r.NotReady == ""
	return r
}

// NotReady says in one line why we are not ready; empty when we are. With startup, a gated
// target also needs a first generation, so that the server can start.
func (t *Tracker) NotReady(startup bool) string {
	list := t.look()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.notReady(list, startup)
}

// beforePublish says that it is not decided yet what the gate should hold.
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
			// A generation of an earlier pod is there. The server need not start on it, only to be
			// reloaded a moment later.
			waiting = append(waiting, s.Name+" is still looking at its files")
		}
	}
	return strings.Join(waiting, ", ")
}

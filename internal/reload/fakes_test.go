package reload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// source is a directory in memory.
type source struct {
	mu     sync.Mutex
	text   string // the contents of its only file; empty: the directory is not there
	atomic bool
	reads  int
	last   *string // what was read last; nil when that failed
	hints  chan struct{}
	given  []weak.Pointer[snapshot.Set] // what was read
}

func (s *source) C() <-chan struct{} { return s.hints }

func (s *source) SetDirs([]string) {}

func (s *source) hint() {
	select {
	case s.hints <- struct{}{}:
	default:
	}
}

func (s *source) Findings() []finding.Finding { return nil }

// Unchanged compares with the newest reading, whoever asked for it, as the real one does.
func (s *source) Unchanged(context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last != nil && *s.last == s.text
}

func (s *source) SameCommit() bool { return false }

func (s *source) Dirs() []string { return []string{"/etc/prometheus"} }

func (s *source) set(text string) { s.mu.Lock(); s.text = text; s.mu.Unlock() }

func (s *source) get() string { s.mu.Lock(); defer s.mu.Unlock(); return s.text }

func (s *source) Read(context.Context) (*snapshot.Set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	s.last = nil
	if s.text == "" {
		return nil, fmt.Errorf("read source %q: %w", "config", fs.ErrNotExist)
	}
	set, text := setOf(s.text), s.text
	set.Snapshots[0].Atomic, s.last = s.atomic, &text
	s.given = append(s.given, weak.Make(set))
	return set, nil
}

func setOf(text string) *snapshot.Set {
	src := snapshot.Source{Name: "config", Dir: "/etc/prometheus"}
	return snapshot.NewSet(snapshot.FromFiles(src, map[string][]byte{"prometheus.yml": []byte(text)}))
}

func digestOf(text string) snapshot.Digest { return setOf(text).Digest }

// takesAll is a server that refuses no expression.
func takesAll(context.Context, string) (string, error) { return "", nil }

// judge rejects files that say "bad", warns about those that begin with "odd", and cannot judge while it is broken.
type judge struct {
	mu     sync.Mutex
	broken bool
	strict bool // rejects "a" too
	takes  time.Duration
	asked  []finding.Request
}

// set says how long verdicts take from now on.
func (j *judge) set(takes time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.takes = takes
}

func (j *judge) Validate(ctx context.Context, req finding.Request) (finding.Result, error) {
	j.mu.Lock()
	j.asked = append(j.asked, req)
	takes := j.takes
	j.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return finding.Result{}, ctx.Err()
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken {
		return finding.Result{}, errors.New("promcheck was killed")
	}
	b, ok := req.Set.Snapshots[0].Bytes("prometheus.yml")
	if !ok {
		return finding.Result{}, errors.New("contents are gone")
	}
	if string(b) == "bad" || j.strict && string(b) == "a" {
		return finding.Result{Findings: []finding.Finding{{
			File: "/etc/prometheus/prometheus.yml", Line: 1, Column: 1, Severity: finding.Error, Rule: "syntax", Message: "bad",
		}}}, nil
	}
	res := finding.Result{Outline: &finding.Outline{Items: []finding.Item{{Kind: "scrape job", Name: string(b)}}}}
	if strings.HasPrefix(string(b), "odd") {
		res.Findings = []finding.Finding{{
			File: "/etc/prometheus/prometheus.yml", Line: 2, Column: 3, Severity: finding.Warning, Rule: "odd", Message: "looks odd",
		}}
	}
	return res, nil
}

// prom is a server and its driver.
type prom struct {
	mu         sync.Mutex
	files      func() string // what it reads when it loads
	down       bool
	runs       string
	epoch      int
	load       int
	version    string
	failures   []error // answers of the next reloads
	lies       bool    // answers 200, and does nothing
	vague      bool    // does not say what it runs instead
	takes      time.Duration
	refuses    func(text string) bool
	reloads    []string // contents at each reload
	inFlight   int
	overlap    bool
	plans      []Change
	irrelevant bool        // changes need no call
	proves     bool        // "already runs" can be answered
	looks      []time.Time // when it was observed
	compared   int         // how often its contents were compared
}

func (p *prom) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch++
	p.load++
	p.runs = p.files()
}

func (p *prom) observation() Observation {
	return Observation{Ready: true, Epoch: fmt.Sprint(p.epoch), Load: fmt.Sprint(p.load), Facts: finding.Facts{Version: p.version, Refuses: takesAll}}
}

func (p *prom) Observe(context.Context) (Observation, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks = append(p.looks, time.Now())
	if p.down {
		return Observation{Reason: "connection refused"}, nil
	}
	return p.observation(), nil
}

func (p *prom) Plan(_ context.Context, c Change) (Plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans = append(p.plans, c)
	var plan Plan
	if !p.irrelevant || c.Old == nil {
		plan.Calls = []string{"POST /-/reload"}
	}
	if c.New != nil {
		plan.Data = c.New.Digest
	}
	return plan, nil
}

func (p *prom) Reload(ctx context.Context, _ Plan) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight++
	p.overlap = p.overlap || p.inFlight > 1
	defer func() { p.inFlight-- }()
	text := p.files()
	p.reloads = append(p.reloads, text)
	if p.takes > 0 {
		p.mu.Unlock()
		select {
		case <-time.After(p.takes):
		case <-ctx.Done():
		}
		p.mu.Lock()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if p.down {
		return &Failure{Class: ClassUnreachable, Message: "connection refused", Untouched: true}
	}
	if len(p.failures) > 0 {
		err := p.failures[0]
		p.failures = p.failures[1:]
		return err
	}
	if p.refuses != nil && p.refuses(text) {
		p.load++
		return &Failure{Class: ClassRefused, Message: "the server refused the files", Untouched: true}
	}
	if !p.lies {
		p.load++
		p.runs = text
	}
	return nil
}

func (p *prom) Confirm(_ context.Context, plan Plan, proof Proof) (Verdict, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.compared++
	if p.down {
		return Verdict{}, &Failure{Class: ClassUnreachable, Message: "connection refused"}
	}
	if !proof.Reloaded && !p.proves {
		return Verdict{Reason: "cannot tell"}, nil
	}
	if d, ok := plan.Data.(snapshot.Digest); ok && d != digestOf(p.runs) {
		if p.vague {
			return Verdict{Reason: "it runs something else"}, nil
		}
		return Verdict{Reason: "it runs something else", Differences: []string{"scrape job"}, Cause: "a stale mount"}, nil
	}
	return Verdict{Proven: true, By: "test", After: p.observation()}, nil
}

// gate keeps generations in memory.
type gate struct {
	mu       sync.Mutex
	texts    map[snapshot.Digest]string
	current  snapshot.Digest
	accepted []snapshot.Digest // oldest first
	full     bool
	note     refusedNote
}

// refusedNote is what was written to the gate about refusals.
type refusedNote struct {
	version, epoch string
	digests        []snapshot.Digest
}

func (g *gate) Publish(_ context.Context, set *snapshot.Set) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.full {
		return errors.New("no space left on device")
	}
	b, ok := set.Snapshots[0].Bytes("prometheus.yml")
	if !ok {
		return errors.New("contents are gone")
	}
	g.texts[set.Digest] = string(b)
	g.current = set.Digest
	return nil
}

func (g *gate) Accept(d snapshot.Digest) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accepted = append(slices.DeleteFunc(g.accepted, func(o snapshot.Digest) bool { return o == d }), d)
	return nil
}

func (g *gate) Rollback(_ context.Context, refused ...snapshot.Digest) (snapshot.Digest, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, d := range slices.Backward(g.accepted) {
		if !slices.Contains(refused, d) {
			g.current, g.accepted = d, g.accepted[:i+1]
			return d, nil
		}
	}
	return snapshot.Digest{}, nil
}

func (g *gate) Refuse(version, epoch string, digests []snapshot.Digest) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.note = refusedNote{version, epoch, digests}
	return nil
}

func (g *gate) Refused() (version, epoch string, digests []snapshot.Digest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.note.version, g.note.epoch, g.note.digests
}

func (g *gate) Current() snapshot.Digest { g.mu.Lock(); defer g.mu.Unlock(); return g.current }

func (g *gate) Look() (snapshot.Digest, error) { return g.Current(), nil }

func (g *gate) LastAccepted() snapshot.Digest { return g.good() }

func (g *gate) good() snapshot.Digest {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.accepted) == 0 {
		return snapshot.Digest{}
	}
	return g.accepted[len(g.accepted)-1]
}

func (g *gate) text() string { g.mu.Lock(); defer g.mu.Unlock(); return g.texts[g.current] }

// recorder keeps transitions.
type recorder struct {
	mu     sync.Mutex
	phases []Phase
	all    []Status
}

func (r *recorder) Transition(from, to Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, to)
	if from.Phase != to.Phase {
		r.phases = append(r.phases, to.Phase)
	}
}

func (r *recorder) take() []Phase {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.phases
	r.phases = nil
	return p
}

// bench is a target with fakes, inside a synctest bubble.
type bench struct {
	t      *testing.T
	src    *source
	judge  *judge
	server *prom
	gate   *gate
	rec    *recorder
	opts   Options
	target *Target
	cancel context.CancelFunc
	done   chan error
}

// newBench starts a server that runs "a", and a target over a source with "a"; it waits until they agree.
func newBench(t *testing.T, gated bool, change func(*bench, *Options)) *bench {
	t.Helper()
	b := &bench{
		t: t, src: &source{text: "a", atomic: true, hints: make(chan struct{}, 1)}, judge: &judge{}, rec: &recorder{},
		server: &prom{version: "3.15.0", proves: true}, done: make(chan error, 1),
	}
	o := Options{Name: "prometheus", Kind: "prometheus", Reader: b.src, Watch: b.src, Validator: b.judge, Driver: b.server, Observer: b.rec}
	b.server.files = b.src.get
	if gated {
		b.gate = &gate{texts: map[snapshot.Digest]string{digestOf("a"): "a"}, current: digestOf("a"), accepted: []snapshot.Digest{digestOf("a")}}
		b.server.files = b.gate.text
		o.Gate = b.gate
	}
	if change != nil {
		change(b, &o)
	}
	b.server.start()
	b.opts = o
	b.begin()
	return b
}

// begin starts a new target, as after a restart of reloader.
func (b *bench) begin() {
	b.t.Helper()
	var err error
	if b.target, err = New(b.opts); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	b.cancel = cancel
	go func() { b.done <- b.target.Run(ctx) }()
	synctest.Wait()
}

// stop ends the target. Whatever is under way, that takes no time.
func (b *bench) stop() {
	began := time.Now()
	b.cancel()
	if err := <-b.done; err != nil {
		b.t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > 0 {
		b.t.Errorf("the stop took %s", took)
	}
	if b.server.overlap {
		b.t.Error("two reloads were in flight at once")
	}
}

// change writes the source and hints, then waits until everything has happened that needs no time.
func (b *bench) change(text string) {
	b.src.set(text)
	b.src.hint()
	synctest.Wait()
}

func (b *bench) want(phase Phase, running string, reloads ...string) {
	b.t.Helper()
	st := b.target.Status()
	if st.Phase != phase {
		b.t.Errorf("phase %s (%s), want %s", st.Phase, st.Reason, phase)
	}
	var d snapshot.Digest
	if running != "" {
		d = digestOf(running)
	}
	if st.Running != d {
		b.t.Errorf("running %s, want %s (%q)", st.Running.Short(), d.Short(), running)
	}
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	if !slices.Equal(b.server.reloads, reloads) {
		b.t.Errorf("reloads %q, want %q", b.server.reloads, reloads)
	}
}

func (b *bench) wantPhases(want ...Phase) {
	b.t.Helper()
	if got := b.rec.take(); !slices.Equal(got, want) {
		b.t.Errorf("phases %v, want %v", got, want)
	}
}

// lock calls change with the server locked.
func (b *bench) lock(change func(p *prom)) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	change(b.server)
}

func (b *bench) reloads() []string {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return slices.Clone(b.server.reloads)
}

func (b *bench) runs() string {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	return b.server.runs
}

func (b *bench) requests() []finding.Request {
	b.judge.mu.Lock()
	defer b.judge.mu.Unlock()
	return slices.Clone(b.judge.asked)
}

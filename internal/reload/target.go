package reload

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// Target keeps one server on the newest valid files. The goroutine that calls Run owns all of it;
// Recheck, Look and Status may be called from any goroutine.
type Target struct {
	o      Options
	hints  <-chan struct{} // from Options.Watch; nil: none
	manual chan struct{}   // from Recheck
	timer  *time.Timer

	state   state
	failing *backoff.ExponentialBackOff
	waiting *backoff.ExponentialBackOff

	set      *snapshot.Set    // the newest reading that counts
	ahead    bool             // the reader may have read newer files since
	outline  *finding.Outline // of set, by the newest verdict; nil: none yet
	expected any              // of set, by the newest verdict; nil: not known
	// written are the files that were written to between the newest two readings that differ in that.
	written []string
	// wantedChanges says in words how set differs from good.
	wantedChanges     []string
	good              proven // what the server was last proven to run
	plan              Plan
	before            Observation       // the one before the newest reload
	obs               Observation       // the newest one
	deferred          int               // reloads in a row that a hint deferred
	noticed           time.Time         // when the change in progress was noticed
	reading           []finding.Finding // from the newest reading itself
	verdict           []finding.Finding // from the validator, on set, with those of the reading
	findings          []finding.Finding // verdict, and what the driver's plan and the server added
	early             *early            // verdict in progress while the files settle; nil: none
	dropped           int               // verdicts in a row that were dropped for newer files
	earlyCount        int               // early verdicts on the change in progress
	why               reasons
	loggedFailure     string            // the last of its kind, so that repetitions are not logged
	loggedWarnings    []finding.Finding // likewise
	loggedShown       []finding.Finding // likewise, what the server revealed
	loggedNotCompared []string          // likewise, what a proof did not cover

	lookDue chan struct{}   // from Look
	served  []chan struct{} // calls of Look whose comparison is in progress

	mu      sync.Mutex
	status  Status
	lookers []chan struct{} // calls of Look that wait for their turn
	busy    busy            // with the server
}

// reasons are the newest of each kind; the phase decides which one is shown.
type reasons struct {
	source, server, verdict, call, refusal, mismatch, unseen, follow string
}

// proven is what the server was last proven to run.
type proven struct {
	digest   snapshot.Digest
	set      *snapshot.Set // nil when only the digest is known
	outline  *finding.Outline
	expected any
	plan     Plan
	after    Observation
}

// New makes a target. It does nothing before Run.
func New(o Options) (*Target, error) {
	if o.Name == "" || o.Reader == nil || o.Validator == nil || o.Driver == nil {
		return nil, errors.New("new target: name, reader, validator and driver are required")
	}
	o.setDefaults()
	t := &Target{o: o, manual: make(chan struct{}, 1), lookDue: make(chan struct{}, 1)}
	if o.Watch != nil {
		t.hints = o.Watch.C()
	}
	t.state = newState(timing{
		gated:     o.Gate != nil,
		settle:    o.Settle,
		settleMax: settleFactor * o.Settle,
		spacing:   o.Spacing,
		idle:      o.ObserveInterval,
		compare:   o.CompareInterval,
		recheck:   recheckAfter,
		unproven:  unprovenAttempts,
		patience:  startPatience,
	}, snapshot.Digest{}, snapshot.Digest{}, refusals{}) // readGate knows better
	t.obs.Facts = o.Facts
	t.failing = newBackOff(o.RetryInitial, o.RetryMax)
	t.waiting = newBackOff(min(waitInitial, o.WaitMax), o.WaitMax)
	t.status = Status{Target: o.Name, Kind: o.Kind, Phase: Starting, Since: time.Now()}
	return t, nil
}

func newBackOff(initial, most time.Duration) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(initial),
		backoff.WithMaxInterval(most),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(jitter),
		backoff.WithMaxElapsedTime(0), // never given up
	)
}

// Run works until ctx ends, and then returns nil. A request in flight is cancelled
// on our side; the next start finds out what the server did with it.
func (t *Target) Run(ctx context.Context) error {
	t.timer = time.NewTimer(time.Hour)
	t.timer.Stop()
	defer t.timer.Stop()
	defer t.endEarly()
	t.readGate()
	ev := event{kind: evStart, at: time.Now()}
	for {
		var act action
		old := t.state
		t.state, act = step(t.state, ev)
		if t.state.wanted != old.wanted {
			t.failing.Reset()
			t.noticed = ev.at
		}
		if t.state.refused.grew(old.refused) {
			t.why.refusal = t.why.call
			if !t.state.unstarted.IsZero() {
				t.why.refusal = fmt.Sprintf("the server did not start within %s after the files were published (%s); reloader tries them again when it runs", startPatience, t.why.server)
			}
			t.count(func(c *Counts) { c.ChangesFailed++ })
		}
		t.noteRefusals(old.refused)
		t.noteFollowers(&old)
		t.report(act)
		if act.kind == actWait && !act.look {
			t.releaseLookers()
		}
		ev = t.do(ctx, act)
		ev.at = time.Now()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// readGate finds out what the gate holds and what the server refused. New is too early for that: another target, which this one
// replaces, may still be writing there.
func (t *Target) readGate() {
	if t.o.Gate == nil {
		return
	}
	t.state.published, t.state.accepted = t.o.Gate.Current(), t.o.Gate.LastAccepted()
	t.state.refused = refusalsBefore(t.o.Gate.Refused())
	t.why.refusal = "the server refused these files before reloader restarted"
}

// do carries out one action. Anything that goes wrong becomes an event.
func (t *Target) do(ctx context.Context, act action) event {
	switch act.kind {
	case actWait:
		return t.wait(ctx, act.until)
	case actRead:
		return t.read(ctx)
	case actJudge:
		return t.judge(ctx)
	case actPublish:
		return t.publish(ctx)
	case actRollback:
		return t.rollBack(ctx)
	case actReload:
		if t.somethingNewer() {
			return event{kind: evHint}
		}
	case actAdopt:
		return t.adopt(act.goal)
	case actObserve, actPlan, actConfirm, actLook:
	}
	return t.ask(ctx, act)
}

// ask carries out an action that talks to the server.
func (t *Target) ask(ctx context.Context, act action) event {
	defer t.speak(act)()
	switch act.kind {
	case actPlan:
		return t.planned(ctx, act.goal)
	case actReload:
		return t.reload(ctx, act.goal)
	case actConfirm:
		return t.confirm(ctx, act)
	case actLook:
		return t.look(ctx)
	default:
		return t.observe(ctx)
	}
}

// wait sleeps until the given time, a hint or the end of ctx. An idle target spends its life here.
func (t *Target) wait(ctx context.Context, until time.Time) event {
	judge := t.earlyDue(time.Now())
	if judge == nil && t.early == nil {
		t.forget()
	}
	var due <-chan time.Time
	if !until.IsZero() {
		t.timer.Reset(time.Until(until))
		defer t.timer.Stop()
		due = t.timer.C
	}
	for {
		select {
		case <-ctx.Done():
		case <-due:
			return event{kind: evTimer}
		case <-judge:
			judge = nil
			t.judgeEarly(ctx)
			continue
		case <-t.hints:
			return event{kind: evHint}
		case <-t.manual:
			return event{kind: evHint, manual: true}
		case <-t.lookDue:
			t.takeLookers()
			return event{kind: evHint, look: true}
		}
		return event{kind: evTimer}
	}
}

// retryDelay returns the time until the next attempt.
func (t *Target) retryDelay(f *Failure) time.Duration {
	d := t.failing.NextBackOff()
	if f == nil {
		return d
	}
	if f.Permanent {
		d = t.o.RetrySlow
		if f.RetryAfter > 0 {
			return f.RetryAfter // the driver knows better
		}
	}
	return max(d, f.RetryAfter)
}

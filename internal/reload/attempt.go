package reload

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"reloader/internal/snapshot"
)

func (t *Target) reload(ctx context.Context, goal snapshot.Digest) event {
	t.before = t.obs
	err := t.o.Driver.Reload(ctx, t.plan)
	if err == nil {
		t.count(func(c *Counts) { c.Reloads++ })
		return event{kind: evReloaded, digest: goal}
	}
	f := t.fail(err)
	if f.Class != ClassBusy { // when busy, nothing was sent
		t.count(func(c *Counts) { c.Reloads++; c.ReloadsFailed++ })
	}
	return event{
		kind: evReloaded, failed: true, digest: goal, delay: t.retryDelay(f),
		refused: f.Refused(), untouched: f.Untouched && !f.Refused(), kept: f.Untouched, broken: f.Class == ClassServer || f.Unsure,
	}
}

func (t *Target) confirm(ctx context.Context, act action) event {
	proof := Proof{Reloaded: act.reloaded, Before: t.obs}
	if act.reloaded {
		proof.Before = t.before
	}
	proof.Moved = t.state.misread && !act.reloaded
	if act.goal == t.good.digest && !act.goal.IsZero() && !t.state.strayed {
		proof.Unchanged, proof.Then = true, t.good.after
	}
	v, err := t.verify(ctx, t.plan, proof)
	if err != nil {
		return event{kind: evConfirmed, failed: true, digest: act.goal, delay: t.retryDelay(t.fail(err))}
	}
	ev := event{kind: evConfirmed, digest: act.goal, reloaded: act.reloaded, proven: v.Proven, refused: v.Refused, mismatch: v.Mismatch}
	switch {
	case v.Proven:
		t.learn(v.After)
		t.succeed(act.goal, v)
		ev.server = t.seen()
	case act.reloaded && v.Mismatch && t.overtaken(ctx, act.goal):
		ev.mismatch, ev.overtaken = false, true
	case act.reloaded || len(t.plan.Calls) == 0:
		f := &Failure{Class: ClassUnproven, Message: v.Reason}
		if v.Refused {
			f.Class = ClassRefused
		}
		if v.Mismatch {
			f.Hint = v.Cause
			t.mismatch(v)
		}
		ev.delay = t.retryDelay(t.fail(f))
		t.count(func(c *Counts) { c.ReloadsFailed++ })
	}
	return ev
}

// overtaken reports that the files have changed since they were read: the reload may have loaded newer ones. That cannot
// happen with a gate, whose contents only reloader changes.
func (t *Target) overtaken(ctx context.Context, goal snapshot.Digest) bool {
	if t.o.Gate != nil || t.set == nil || t.set.Digest != goal {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	set, err := t.o.Reader.Read(ctx)
	t.ahead = err != nil || set.Digest != goal
	return err == nil && t.ahead
}

// look checks whether the server still runs what it was proven to run.
func (t *Target) look(ctx context.Context) event {
	ev := event{kind: evConfirmed, look: true, digest: t.good.digest}
	proof := Proof{Before: t.obs, Unchanged: !t.state.strayed, Then: t.good.after}
	v, err := t.verify(ctx, t.good.plan, proof)
	switch {
	case err != nil:
		f := t.fail(err)
		t.why.server, t.why.unseen = f.Error(), f.Error()
		ev.failed, ev.delay = true, t.retryDelay(f)
		if t.state.blind > 0 && len(v.NotCompared) > 0 {
			t.update(func(s *Status) { s.NotCompared = v.NotCompared })
		}
	case v.Proven:
		t.learn(v.After)
		t.good.after = v.After
		t.failing.Reset()
		t.loggedFailure = ""
		ev.proven, ev.server = true, t.seen()
		t.update(func(s *Status) { s.Proof, s.NotCompared, s.Looked = v.By, v.NotCompared, time.Now() })
		if t.set != nil && t.set.Digest == t.good.digest {
			t.shown(v)
		}
	case v.Mismatch && !t.state.keptUnknown:
		ev.mismatch = true
		t.mismatch(v)
		t.setFailed()
		t.o.Logger.Warn("the server no longer runs what it was proven to run; reloading", "target", t.o.Name,
			"running", t.good.digest.Short(), "differences", v.Differences)
	}
	return ev
}

// verify asks the driver and keeps its verdict consistent: one that names differences is never a proof.
func (t *Target) verify(ctx context.Context, p Plan, proof Proof) (Verdict, error) {
	v, err := t.o.Driver.Confirm(ctx, p, proof)
	if err != nil {
		return v, err
	}
	if len(v.Differences) > 0 {
		v.Mismatch = true
	}
	if v.Mismatch {
		v.Proven = false
		if len(v.Differences) == 0 {
			v.Differences = []string{v.Reason}
		}
		if v.Reason == "" {
			v.Reason = "the server answered, but runs something other than the files"
		}
	}
	return v, nil
}

// mismatch records what the server runs differently from the files.
func (t *Target) mismatch(v Verdict) {
	t.why.mismatch = v.Reason
	t.update(func(s *Status) {
		s.Counts.Mismatches++
		s.Differences, s.Cause, s.NotCompared = v.Differences, v.Cause, v.NotCompared
	})
}

// adopt counts the goal as running, because it needs no call.
func (t *Target) adopt(goal snapshot.Digest) event {
	t.succeed(goal, Verdict{Proven: true, By: "no call needed", After: t.obs, RestartRequired: t.plan.RestartRequired})
	return event{kind: evConfirmed, digest: goal, proven: true, server: t.seen()}
}

// succeed records a proof.
func (t *Target) succeed(goal snapshot.Digest, v Verdict) {
	now := time.Now()
	t.failing.Reset()
	t.loggedFailure = ""
	old := t.good
	t.good = proven{digest: goal, plan: t.plan, after: v.After}
	newest := t.set != nil && t.set.Digest == goal
	switch {
	case newest:
		t.good.set, t.good.outline, t.good.expected = t.set, t.outline, t.expected
	case goal == old.digest:
		t.good.set, t.good.outline, t.good.expected = old.set, old.outline, old.expected
	}
	var changes []string
	if t.o.Diff != nil && old.outline != nil && t.good.outline != nil && goal != old.digest {
		changes = t.o.Diff(old.outline, t.good.outline)
	}
	t.accept(goal)
	restart := v.RestartRequired
	if len(restart) == 0 {
		restart = t.plan.RestartRequired
	}
	t.update(func(s *Status) {
		s.Proof, s.NotCompared, s.RestartRequired = v.By, v.NotCompared, restart
		s.Differences, s.Cause, s.Looked = nil, "", now
		s.ServerVersion = v.After.Facts.Version
		if goal != old.digest {
			s.Changes = changes
		}
		if newest {
			s.LastSuccess, s.Failure, s.Applied = now, nil, true
			if !t.noticed.IsZero() {
				s.LastDuration = now.Sub(t.noticed)
				t.noticed = time.Time{}
			}
		}
	})
	if newest {
		t.shown(v)
	}
}

// accept marks files in the gate as good.
func (t *Target) accept(d snapshot.Digest) {
	if t.o.Gate == nil {
		return
	}
	if err := t.o.Gate.Accept(d); err != nil {
		// The files are live anyway; only a later rollback would go further back.
		t.o.Logger.Error("could not mark the files as good", "target", t.o.Name, "digest", d.Short(), "err", err)
	}
}

// shown adds what the server revealed to the findings of the files that it was proven to run. It logs these findings and
// what the proof does not cover, once for each change.
func (t *Target) shown(v Verdict) {
	t.findings = together(t.planFindings(), v.Findings)
	t.update(func(s *Status) { s.Findings = t.findings })
	if !slices.Equal(v.Findings, t.loggedShown) {
		t.loggedShown = v.Findings
		t.logFindings(slog.LevelWarn, v.Findings)
	}
	if !slices.Equal(v.NotCompared, t.loggedNotCompared) {
		t.loggedNotCompared = v.NotCompared
		if len(v.NotCompared) > 0 {
			t.o.Logger.Warn("the proof does not cover everything", "target", t.o.Name, "proof", v.By, "notCompared", v.NotCompared)
		}
	}
}

// fail turns an error into a failure, and puts it into status and log.
func (t *Target) fail(err error) *Failure {
	f := asFailure(err)
	if errors.Is(err, context.Canceled) {
		return f // we are stopping
	}
	t.why.call = f.Error()
	t.setFailed()
	t.update(func(s *Status) {
		s.Counts.fail(f.Class)
		s.Failure = &FailureStatus{Class: f.Class, Message: f.Message, Hint: f.Hint, Body: BoundBody(f.Body), At: time.Now()}
	})
	t.logFailure(f)
	return f
}

func (t *Target) failLocal(ctx context.Context, what string, err error) *Failure {
	if ctx.Err() != nil {
		return nil
	}
	return t.fail(&Failure{Class: ClassLocal, Message: what + ": " + err.Error(), Err: err})
}

package reload

import (
	"context"
	"errors"
	"time"

	"reloader/internal/snapshot"
)

func (t *Target) reload(ctx context.Context, goal snapshot.Digest) event {
	t.before = t.obs
	if t.set != nil && t.set.Digest == goal {
		t.remember(t.set)
	}
	err := t.o.Driver.Reload(ctx, t.plan)
	if err == nil {
		t.count(func(c *Counts) { c.Reloads++ })
		return event{kind: evReloaded, digest: goal}
	}
	f := t.fail(err)
	if f.Class != ClassBusy { // then nothing was sent
		t.count(func(c *Counts) { c.Reloads++; c.ReloadsFailed++ })
	}
	return event{
		kind: evReloaded, failed: true, digest: goal, delay: t.retryDelay(f),
		refused: f.Refused(), untouched: f.Untouched && !f.Refused(), kept: f.Untouched,
	}
}

// maxTried bounds what is remembered of attempts without proof; beyond it everything counts as changed.
const maxTried = 16

// remember notes that the server may have read this set from now on.
func (t *Target) remember(set *snapshot.Set) {
	for _, s := range t.tried {
		if s.Digest == set.Digest {
			return
		}
	}
	if len(t.tried) >= maxTried {
		t.good.set, t.tried = nil, nil
		return
	}
	t.tried = append(t.tried, set)
}

func (t *Target) confirm(ctx context.Context, act action) event {
	proof := Proof{Reloaded: act.reloaded, Before: t.obs}
	if act.reloaded {
		proof.Before = t.before
	}
	if act.goal == t.good.digest && !act.goal.IsZero() {
		proof.Unchanged, proof.Then = true, t.good.after
	}
	v, err := t.o.Driver.Confirm(ctx, t.plan, proof)
	if err != nil {
		return event{kind: evConfirmed, failed: true, digest: act.goal, delay: t.retryDelay(t.fail(err))}
	}
	ev := event{kind: evConfirmed, digest: act.goal, reloaded: act.reloaded, proven: v.Proven, refused: v.Refused}
	switch {
	case v.Proven:
		t.learn(v.After)
		t.succeed(act.goal, v)
		ev.server = t.seen()
	case act.reloaded:
		class := ClassUnproven
		if v.Refused {
			class = ClassRefused
		}
		ev.delay = t.retryDelay(t.fail(&Failure{Class: class, Message: v.Reason}))
		t.count(func(c *Counts) { c.ReloadsFailed++ })
		t.update(func(s *Status) { s.Differences = v.Differences })
	}
	return ev
}

// adopt takes the goal for running, because the way to it needs no call.
func (t *Target) adopt(goal snapshot.Digest) event {
	t.succeed(goal, Verdict{Proven: true, By: "no call needed", After: t.obs, RestartRequired: t.plan.RestartRequired})
	return event{kind: evConfirmed, digest: goal, proven: true, server: t.seen()}
}

// succeed takes over a proof.
func (t *Target) succeed(goal snapshot.Digest, v Verdict) {
	now := time.Now()
	t.failing.Reset()
	t.said = ""
	old := t.good
	t.good = proven{digest: goal, plan: t.plan, after: v.After}
	newest := t.set != nil && t.set.Digest == goal
	switch {
	case newest:
		t.good.set, t.good.outline, t.good.expected = t.set, t.outline, t.expected
	case goal == old.digest:
		t.good.set, t.good.outline, t.good.expected = old.set, old.outline, old.expected
	}
	t.tried = nil
	var changes []string
	if t.o.Diff != nil && old.outline != nil && t.good.outline != nil && goal != old.digest {
		changes = t.o.Diff(old.outline, t.good.outline)
	}
	if t.o.Gate != nil {
		if err := t.o.Gate.Accept(goal); err != nil {
			// The files are live all the same; only a later way back would go further back.
			t.o.Logger.Error("could not mark the files as good", "target", t.o.Name, "digest", goal.Short(), "err", err)
		}
	}
	restart := v.RestartRequired
	if len(restart) == 0 {
		restart = t.plan.RestartRequired
	}
	t.update(func(s *Status) {
		s.Proof, s.Differences, s.RestartRequired = v.By, v.Differences, restart
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
}

// fail turns an error into the failure that status and log show.
func (t *Target) fail(err error) *Failure {
	f := asFailure(err)
	if errors.Is(err, context.Canceled) {
		return f // we are stopping
	}
	t.why.call = f.Error()
	t.setFailed()
	t.update(func(s *Status) {
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

package reload

import (
	"context"
	"errors"
	"slices"
	"time"

	"reloader/internal/snapshot"
	"reloader/internal/validate"
)

// read reads all sources. The contents stay in memory until the next wait.
func (t *Target) read(ctx context.Context) event {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	t.takeHint() // what it is about has happened, and is read now
	if t.unchanged(ctx) {
		return event{kind: evRead, same: true, digest: t.set.Digest, atomic: t.set.Atomic()}
	}
	set, err := t.o.Reader.Read(ctx)
	if err != nil {
		t.why.source = err.Error()
		return event{kind: evRead, failed: true, delay: t.waiting.NextBackOff()}
	}
	t.waiting.Reset()
	if t.set == nil || t.set.Digest != set.Digest {
		t.outline = nil
	}
	t.set = set
	return event{kind: evRead, digest: set.Digest, atomic: set.Atomic()}
}

// unchanged spares an idle target the reading, where the reader can tell by other means that
// there is nothing new. Whoever needs contents reads without a hint, and is not asked.
func (t *Target) unchanged(ctx context.Context) bool {
	r, ok := t.o.Reader.(interface{ Unchanged(context.Context) bool })
	return ok && t.set != nil && t.state.stale && t.state.readable && r.Unchanged(ctx)
}

// forget drops contents that nothing needs any more. The outline stays: a retry may prove the files
// later, and then guards and the description of the next change need it.
func (t *Target) forget() {
	if t.set != nil {
		t.set.Forget()
	}
}

// observe asks the server how it is. What it said earlier of itself is kept while it is away.
func (t *Target) observe(ctx context.Context) event {
	o, err := t.o.Driver.Observe(ctx)
	t.obs.Ready = false
	switch {
	case err != nil:
		f := t.fail(err)
		return event{kind: evObserved, failed: true, delay: t.retryDelay(f)}
	case !o.Ready:
		t.why.server = o.Reason
		return event{kind: evObserved, delay: t.waiting.NextBackOff()}
	}
	t.waiting.Reset()
	t.learn(o)
	return event{kind: evObserved, server: t.seen()}
}

// learn takes over what a ready server said.
func (t *Target) learn(o Observation) {
	known := t.o.Facts
	if o.Facts.Version == "" {
		o.Facts.Version = known.Version
	}
	if o.Facts.Features == nil {
		o.Facts.Features = known.Features
	}
	o.Facts.Agent = o.Facts.Agent || known.Agent
	o.Facts.SameEnv = o.Facts.SameEnv || known.SameEnv
	t.obs = o
}

func (t *Target) seen() server {
	return server{ready: t.obs.Ready, epoch: t.obs.Epoch, load: t.obs.Load, version: t.obs.Facts.Version}
}

// judge asks the validator, and for valid files the driver for its plan.
func (t *Target) judge(ctx context.Context) event {
	limited, cancel := context.WithTimeout(ctx, t.o.ValidateTimeout)
	defer cancel()
	set := t.set
	res, err := t.o.Validator.Validate(limited, validate.Request{
		Set: set, Facts: t.obs.Facts, Running: t.good.outline, Allow: t.o.Allow,
	})
	if err != nil {
		if ctx.Err() == nil {
			t.count(func(c *Counts) { c.Unjudged++ })
			t.setFailed()
			t.why.verdict = "could not judge the files: " + err.Error()
			t.o.Logger.Warn("could not judge", "target", t.o.Name, "digest", set.Digest.Short(), "err", err)
		}
		return event{kind: evJudged, failed: true, delay: t.retryDelay(nil)}
	}
	t.findings, t.outline = res.Findings, res.Outline
	if res.Invalid() {
		t.rejected(set.Digest)
		return event{kind: evJudged, digest: set.Digest}
	}
	ev := t.planFor(ctx, set.Digest)
	if ev.failed {
		return ev
	}
	if len(t.plan.Findings) > 0 {
		t.findings = append(slices.Clip(t.findings), t.plan.Findings...)
		validate.Sort(t.findings)
		if validate.HasErrors(t.findings) {
			t.rejected(set.Digest)
			return event{kind: evJudged, digest: set.Digest}
		}
	}
	return event{kind: evJudged, digest: set.Digest, valid: true, calls: ev.calls}
}

// rejected notes a verdict against the newest files.
func (t *Target) rejected(d snapshot.Digest) {
	n := validate.Count(t.findings, validate.Error)
	left := "the last good ones stay"
	if t.o.Gate != nil && t.o.Gate.Current().IsZero() {
		left = "there are no good ones of before, and the gate stays empty"
	}
	t.why.verdict = plural(n, "error") + " in the newest files; " + left
	t.setFailed()
	t.count(func(c *Counts) { c.ChangesFailed++ })
	t.logFindings(d)
}

// planFor asks the driver what the way to the goal needs.
func (t *Target) planFor(ctx context.Context, goal snapshot.Digest) event {
	c := Change{Server: t.obs}
	if t.set != nil && t.set.Digest == goal {
		c.New, c.Contents = t.set, t.state.contents
		if c.Contents {
			c.Outline = t.outline
		}
	} else if t.good.digest == goal {
		c.New = t.good.set
	}
	if t.good.set != nil && (t.state.proof == proofStands || t.state.proof == proofTouched) {
		c.Old, c.Last = t.good.set, &t.good.plan
	}
	if c.New != nil && c.Old != nil {
		c.Files = t.changed(c.Old, c.New)
	}
	p, err := t.o.Driver.Plan(ctx, c)
	if err != nil {
		return event{kind: evPlanned, failed: true, delay: t.retryDelay(t.fail(err))}
	}
	t.plan = p
	return event{kind: evPlanned, digest: goal, calls: len(p.Calls) > 0}
}

// changed is what differs between the files and what the server may have of them: what it was
// proven to run, and everything that was sent since.
func (t *Target) changed(old, want *snapshot.Set) []snapshot.Change {
	all := snapshot.Diff(old, want)
	seen := make(map[[2]string]bool, len(all))
	for _, c := range all {
		seen[[2]string{c.Source, c.Name}] = true
	}
	for _, tried := range t.tried {
		for _, c := range snapshot.Diff(tried, want) {
			if key := [2]string{c.Source, c.Name}; !seen[key] {
				seen[key] = true
				all = append(all, c)
			}
		}
	}
	return all
}

func (t *Target) publish(ctx context.Context) event {
	if err := t.o.Gate.Publish(ctx, t.set); err != nil {
		return event{kind: evPublished, failed: true, delay: t.retryDelay(t.failLocal(ctx, "publish the files", err))}
	}
	return event{kind: evPublished, digest: t.set.Digest}
}

func (t *Target) rollBack(ctx context.Context) event {
	d, err := t.o.Gate.Rollback(ctx, t.state.refused.digests(false)...)
	if err != nil {
		return event{kind: evRolledBack, failed: true, delay: t.retryDelay(t.failLocal(ctx, "publish the last good files", err))}
	}
	t.count(func(c *Counts) { c.RollBacks++ })
	if d.IsZero() {
		t.why.refusal += "; there are no earlier good files to go back to"
	}
	return event{kind: evRolledBack, digest: d}
}

// noteRefusals keeps what the server refused for a next start of ours, before anything else is done.
func (t *Target) noteRefusals(old refusals) {
	gate, ok := t.o.Gate.(Rememberer)
	now := &t.state.refused
	digests := now.digests(true)
	if !ok || slices.Equal(digests, old.digests(true)) && (len(digests) == 0 || now.version == old.version && now.epoch == old.epoch) {
		return
	}
	if err := gate.Refuse(now.version, now.epoch, digests); err != nil {
		// They are known all the same, as long as this process lives.
		t.o.Logger.Warn("could not keep what the server refused", "target", t.o.Name, "err", err)
	}
}

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
		t.good.set, t.good.outline = t.set, t.outline
	case goal == old.digest:
		t.good.set, t.good.outline = old.set, old.outline
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

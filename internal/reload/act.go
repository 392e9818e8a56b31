package reload

import (
	"context"
	"slices"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// read reads all sources. The contents stay in memory until the next wait.
func (t *Target) read(ctx context.Context) event {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	t.awaitEarly()
	t.takeHint() // the change that it announced is read now
	if t.unchanged(ctx) {
		return event{kind: evRead, same: true, digest: t.set.Digest, atomic: t.set.Atomic()}
	}
	set, err := t.o.Reader.Read(ctx)
	if t.o.Watch != nil {
		// The files may name other directories now. A new directory causes a hint, so that nothing is missed.
		t.o.Watch.SetDirs(t.o.Reader.Dirs())
	}
	if err != nil {
		t.why.source = err.Error()
		return event{kind: evRead, failed: true, delay: t.waiting.NextBackOff()}
	}
	t.waiting.Reset()
	moved, swapped := t.set != nil && set.Moved(t.set), t.set != nil && set.Swapped(t.set)
	if moved {
		t.written = writtenBetween(t.set, set)
	}
	if t.set == nil || t.set.Digest != set.Digest {
		t.outline, t.expected, t.wantedChanges = nil, nil, nil
	}
	t.set, t.reading, t.ahead = set, t.o.Reader.Findings(), false
	return event{kind: evRead, digest: set.Digest, atomic: set.Atomic(), moved: moved, swapped: swapped}
}

// unchanged spares an idle target a reading that is due, if the reader can tell by other means that nothing
// changed. Readings for the sake of contents are not spared.
func (t *Target) unchanged(ctx context.Context) bool {
	return t.set != nil && !t.ahead && t.state.stale && t.state.readable && t.o.Reader.Unchanged(ctx)
}

// forget drops contents that are no longer needed. The outline stays: a retry may prove the files
// later, and then guards and the description of the next change need it.
func (t *Target) forget() {
	if t.set != nil {
		t.set.Forget()
	}
}

// observe asks the server for its state. What it last reported is kept while it is away.
func (t *Target) observe(ctx context.Context) event {
	ev := t.observeServer(ctx)
	if t.o.Gate == nil {
		return ev
	}
	// The next publication fails with the same error and reports it.
	if now, err := t.o.Gate.Look(); err == nil && now != t.state.published {
		t.o.Logger.Warn("the gate does not have the published files", "target", t.o.Name, "published", t.state.published.Short(), "holds", now.Short())
		ev.replaced, ev.digest = true, now
	}
	return ev
}

func (t *Target) observeServer(ctx context.Context) event {
	o, err := t.o.Driver.Observe(ctx)
	t.obs.Ready, t.obs.Reason = false, o.Reason
	switch {
	case err != nil:
		f := t.fail(err)
		t.why.server = f.Error()
		return event{kind: evObserved, failed: true, delay: t.retryDelay(f)}
	case !o.Ready:
		t.why.server = o.Reason
		if o.Class != "" {
			t.count(func(c *Counts) { c.fail(o.Class) })
		}
		return event{kind: evObserved, delay: t.waiting.NextBackOff()}
	}
	t.waiting.Reset()
	t.learn(o)
	return event{kind: evObserved, server: t.seen()}
}

// learn stores what a ready server reported, and fills gaps with what is known.
func (t *Target) learn(o Observation) {
	known := t.o.Facts
	if o.Facts.Version == "" {
		o.Facts.Version, o.Facts.Agent = known.Version, o.Facts.Agent || known.Agent
	}
	if o.Facts.Features == nil {
		o.Facts.Features = known.Features
	}
	o.Facts.SameEnv = o.Facts.SameEnv || known.SameEnv
	if o.Outline == nil {
		o.Outline = t.obs.Outline
	}
	t.obs = o
}

func (t *Target) seen() server {
	return server{ready: t.obs.Ready, epoch: t.obs.Epoch, load: t.obs.Load, version: t.obs.Facts.Version}
}

// judge asks the validator.
func (t *Target) judge(ctx context.Context) event {
	limited, cancel := context.WithTimeout(ctx, t.o.ValidateTimeout)
	defer cancel()
	set := t.set
	res, newer, err := t.validateUnlessNewer(limited, cancel, set)
	if newer {
		return event{kind: evHint}
	}
	if err != nil {
		if ctx.Err() == nil {
			t.count(func(c *Counts) { c.Unjudged++ })
			t.setFailed()
			t.why.verdict = "could not judge the files: " + err.Error()
			t.o.Logger.Warn("could not judge", "target", t.o.Name, "digest", set.Digest.Short(), "err", err)
		}
		return event{kind: evJudged, failed: true, delay: t.retryDelay(nil)}
	}
	t.verdict = together(res.Findings, t.reading)
	t.findings, t.outline, t.expected = t.verdict, res.Outline, res.Expected
	t.describe(set)
	if finding.HasErrors(t.findings) {
		t.rejected(set.Digest)
		return event{kind: evJudged, digest: set.Digest}
	}
	return event{kind: evJudged, digest: set.Digest, valid: true}
}

// runningOutline returns the outline of what the server runs: as proven, else as the server reported it.
func (t *Target) runningOutline() *finding.Outline {
	if t.good.outline != nil {
		return t.good.outline
	}
	return t.obs.Outline
}

// together merges two lists of findings, sorted. It changes neither.
func together(a, b []finding.Finding) []finding.Finding {
	if len(b) == 0 {
		return a
	}
	all := append(slices.Clip(a), b...)
	finding.Sort(all)
	return all
}

// planFindings returns both halves of the verdict: from the files alone, and from the live server.
func (t *Target) planFindings() []finding.Finding {
	first := t.verdict
	if settled := t.plan.Settled; len(settled) > 0 {
		first = slices.DeleteFunc(slices.Clone(first), func(f finding.Finding) bool {
			return f.Severity == finding.Warning && slices.Contains(settled, f.Rule)
		})
	}
	return together(first, t.plan.Findings)
}

// planned asks the driver for the plan of the goal. For the newest files that is the second half of the
// verdict: only the live server can reveal some mistakes.
func (t *Target) planned(ctx context.Context, goal snapshot.Digest) event {
	ev := t.planFor(ctx, goal)
	if ev.failed || t.set == nil || t.set.Digest != goal || !t.state.contents {
		return ev
	}
	if t.state.rejected() { // the gate already holds them; this plan serves to ask the server, not to judge
		return ev
	}
	t.findings = t.planFindings()
	if finding.HasErrors(t.findings) {
		t.rejected(goal)
		return event{kind: evJudged, digest: goal}
	}
	t.logWarnings()
	return ev
}

// rejected records and logs that the newest files are invalid.
func (t *Target) rejected(d snapshot.Digest) {
	left := "they are not applied"
	if t.o.Gate != nil && t.o.Gate.Current().IsZero() {
		left = "there are no earlier good files, so the gate stays empty"
	}
	t.why.verdict = finding.Number(t.findings, finding.Error) + " in the newest files; " + left
	t.setFailed()
	t.count(func(c *Counts) { c.ChangesFailed++ })
	t.logRejected(d)
}

// planFor asks the driver which calls the goal needs.
func (t *Target) planFor(ctx context.Context, goal snapshot.Digest) event {
	c := Change{Server: t.obs, Running: t.runningOutline()}
	if t.set != nil && t.set.Digest == goal {
		c.New, c.Contents = t.set, t.state.contents
		if c.Contents {
			c.Outline = t.outline
		}
		c.Expected = t.expected
	} else if t.good.digest == goal {
		c.New, c.Expected = t.good.set, t.good.expected
	}
	if t.good.set != nil && t.state.proof == proofStands {
		c.Old, c.Last = t.good.set, &t.good.plan
	}
	if c.New != nil && c.Old != nil {
		c.Files = snapshot.Diff(c.Old, c.New)
	}
	p, err := t.o.Driver.Plan(ctx, c)
	if err != nil {
		return event{kind: evPlanned, failed: true, delay: t.retryDelay(t.fail(err))}
	}
	t.plan = p
	return event{kind: evPlanned, digest: goal, calls: len(p.Calls) > 0}
}

func (t *Target) publish(ctx context.Context) event {
	if err := t.o.Gate.Publish(ctx, t.set); err != nil {
		return event{kind: evPublished, failed: true, delay: t.retryDelay(t.failLocal(ctx, "publish the files", err))}
	}
	if t.state.running == t.set.Digest && t.state.proof == proofStands {
		t.accept(t.set.Digest) // someone removed them from the gate; the server still runs them, so no other proof follows
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

// noteRefusals stores what the server refused, before anything else is done, so that a restart of reloader knows it.
func (t *Target) noteRefusals(old refusals) {
	now := &t.state.refused
	digests := now.digests(true)
	if t.o.Gate == nil || slices.Equal(digests, old.digests(true)) && (len(digests) == 0 || now.version == old.version && now.epoch == old.epoch) {
		return
	}
	if err := t.o.Gate.Refuse(now.version, now.epoch, digests); err != nil {
		// This process still knows them.
		t.o.Logger.Warn("could not record what the server refused", "target", t.o.Name, "err", err)
	}
}

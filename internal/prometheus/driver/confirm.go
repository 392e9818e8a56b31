package driver

import (
	"context"
	"syscall"
	"time"

	"reloader/internal/lazyregexp"
	"reloader/internal/process"
	"reloader/internal/reload"
)

// quotedValues matches excerpts of the files in YAML errors; they may be secrets.
var quotedValues = lazyregexp.New("`[^`\n]*`")

const (
	signalSent = "SIGHUP was sent; without a URL reloader cannot prove what the server runs"

	firstPoll = 20 * time.Millisecond
	maxPoll   = 500 * time.Millisecond
	// stuckWait is how long to wait for the end of a load when the previous one failed: a second failure
	// looks the same as the first.
	stuckWait = 30 * time.Second
	// signalWait is how long one confirmation waits for the end of a load that a signal started. After that, newer files
	// get their turn.
	signalWait = 5 * time.Second
)

// Confirm implements reload.Driver.
func (d *Driver) Confirm(ctx context.Context, p reload.Plan, proof reload.Proof) (reload.Verdict, error) {
	if d.c == nil {
		return d.confirmProcess(proof)
	}
	data, _ := p.Data.(plan)
	now, v, f := d.loaded(ctx, data, proof)
	switch {
	case f != nil:
	case v.Reason == "":
		v, f = d.prove(ctx, data, proof, now)
	case !v.Refused:
		// The answers may come from several servers.
		if several, f := d.oneServer(ctx, now); f == nil && several.Mismatch {
			v = several
		}
	}
	if f != nil {
		return reload.Verdict{}, f
	}
	return v, nil
}

// loaded asks the server about its newest load. The verdict has a reason if that alone disproves the load.
func (d *Driver) loaded(ctx context.Context, data plan, proof reload.Proof) (runtime, reload.Verdict, *reload.Failure) {
	if proof.Reloaded && d.o.Method == Signal {
		return d.afterSignal(ctx, data)
	}
	now, f := d.getRuntime(ctx)
	var v reload.Verdict
	switch {
	case f != nil:
	case !now.ReloadConfigSuccess && proof.Reloaded:
		v.Reason = "the reload was answered with 200, but the server says that its last load failed (reloadConfigSuccess is false)"
	case !now.ReloadConfigSuccess:
		v.Reason = "the server's last load failed (reloadConfigSuccess is false)"
	// Prometheus answers the POST after the load.
	case proof.Reloaded && unmoved(d.before, now):
		v.Reason = "the reload was answered with 200, but the server has loaded nothing since (lastConfigTime did not change): is there a proxy in between?"
	case !proof.Reloaded && now.epoch() != d.epoch:
		v.Reason = "the server restarted just now"
	}
	return now, v, f
}

// unmoved reports whether the server has not loaded since an earlier answer. It compares only times from the server's own
// clock, so a wrong clock does not matter. If the clock was set in between, a new load still has a different time, and an
// old load may have one in the future.
func unmoved(before, now runtime) bool {
	if now.epoch() == before.epoch() {
		if !now.LastConfigTime.Equal(before.LastConfigTime) {
			return false
		}
		if now.LastConfigTime.After(before.ServerTime.Add(sameSecond)) {
			return true
		}
	}
	return now.LastConfigTime.Before(before.ServerTime.Truncate(time.Second))
}

// afterSignal waits until the server shows the result of a signal. A load that takes longer stays pending.
func (d *Driver) afterSignal(ctx context.Context, data plan) (runtime, reload.Verdict, *reload.Failure) {
	before := d.before
	limit := d.o.Timeout
	if !before.ReloadConfigSuccess {
		limit = min(limit, stuckWait)
	}
	until := d.signalled.Add(limit)
	waiting, cancel := context.WithTimeout(ctx, min(signalWait, time.Until(until)))
	defer cancel()
	for pause := firstPoll; ; pause = min(2*pause, maxPoll) {
		now, f := d.getRuntime(waiting)
		switch {
		case f != nil && waiting.Err() == nil:
			return now, reload.Verdict{}, f
		case f == nil && now.ReloadConfigSuccess && !now.LastConfigTime.Equal(before.LastConfigTime): // earlier, if the clock was set back
			return now, reload.Verdict{}, nil
		case f == nil && before.ReloadConfigSuccess && !now.ReloadConfigSuccess:
			return now, reload.Verdict{Refused: true, Reason: "after SIGHUP the server says that its load failed (reloadConfigSuccess is false); its log says why"}, nil
		}
		select {
		case <-time.After(pause):
			continue
		case <-waiting.Done():
		}
		if ctx.Err() == nil && time.Now().Before(until) {
			d.pending = &pending{plan: data, before: before, sent: d.signalled, giveUpAt: until}
			return now, reload.Verdict{}, unfinished("the load that SIGHUP started has not finished")
		}
		return now, reload.Verdict{Reason: "after SIGHUP the server shows no successful load within " + limit.String()}, nil
	}
}

// unfinished is the failure while the server is still busy with an earlier load.
func unfinished(message string) *reload.Failure {
	return &reload.Failure{
		Class: reload.ClassBusy, Message: message, Hint: "wait: another reload would only queue behind it", Untouched: true,
	}
}

// signal sends SIGHUP, in a second in which a load would change lastConfigTime.
func (d *Driver) signal(ctx context.Context) error {
	p, err := process.Find(d.o.Process)
	if err != nil {
		return err
	}
	if d.c == nil {
		return p.HangUp()
	}
	before, f := d.getRuntime(ctx)
	if f != nil {
		f.Untouched = true
		return f
	}
	d.before = before
	if rest := before.LastConfigTime.Add(time.Second).Sub(before.ServerTime); rest > 0 && rest <= time.Second {
		if f := wait(ctx, rest, "send SIGHUP"); f != nil {
			return f
		}
	}
	d.signalled = time.Now()
	return p.Signal(syscall.SIGHUP)
}

func (d *Driver) confirmProcess(proof reload.Proof) (reload.Verdict, error) {
	if !proof.Reloaded {
		return reload.Verdict{Reason: "without a URL reloader knows nothing about the server"}, nil
	}
	after := process.Observe(d.o.Process)
	if !after.Ready {
		return reload.Verdict{Reason: after.Reason}, nil
	}
	return reload.Verdict{Proven: true, By: signalSent, After: after}, nil
}

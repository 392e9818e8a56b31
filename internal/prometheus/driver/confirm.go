package driver

import (
	"context"
	"regexp"
	"syscall"
	"time"

	"reloader/internal/process"
	"reloader/internal/reload"
)

// quotedValues are excerpts of the files in YAML errors, which may be secrets.
var quotedValues = regexp.MustCompile("`[^`\n]*`")

const (
	proofByTime  = "reloadConfigSuccess and lastConfigTime"
	proofByStart = "the server started after the last change"
	signalSent   = "SIGHUP was sent; without a URL nothing proves the rest"

	firstPoll = 20 * time.Millisecond
	maxPoll   = 500 * time.Millisecond
	// stuckWait is how long a server whose last load failed already is given to show the end of the
	// next one: a second failure cannot be seen.
	stuckWait = 30 * time.Second
)

// Confirm implements reload.Driver.
func (d *Driver) Confirm(ctx context.Context, p reload.Plan, proof reload.Proof) (reload.Verdict, error) {
	if d.c == nil {
		return d.confirmProcess(proof)
	}
	var v reload.Verdict
	var f *reload.Failure
	switch {
	case !proof.Reloaded:
		v, f = d.confirmRunning(ctx, p, proof)
	case d.o.Method == Signal:
		v, f = d.confirmSignal(ctx)
	default:
		v, f = d.confirmReload(ctx)
	}
	if f != nil {
		return reload.Verdict{}, f
	}
	v.Differences = append(v.Differences, d.configFile()...)
	return v, nil
}

// confirmReload judges after a POST that was answered with 200. The POST is answered when the load is
// done, so that one look is enough.
func (d *Driver) confirmReload(ctx context.Context) (reload.Verdict, *reload.Failure) {
	now, f := d.getRuntime(ctx)
	if f != nil {
		return reload.Verdict{}, f
	}
	switch {
	case !now.ReloadConfigSuccess:
		return reload.Verdict{Reason: "the reload was answered with 200, but the server says that its last load failed (reloadConfigSuccess is false)"}, nil
	case now.LastConfigTime.Before(d.before.ServerTime.Truncate(time.Second)):
		return reload.Verdict{Reason: "the reload was answered with 200, but the server has loaded nothing since (lastConfigTime did not move): is a proxy between?"}, nil
	}
	return reload.Verdict{Proven: true, By: proofByTime, After: d.observation(now)}, nil
}

// confirmRunning judges without a reload of ours: did the server load after the files changed last?
// lastConfigTime is the end of a load, and a load reads the files at its beginning, so only a
// start, or a load that ended a whole reload's time after the change, tells.
func (d *Driver) confirmRunning(ctx context.Context, p reload.Plan, proof reload.Proof) (reload.Verdict, *reload.Failure) {
	now, f := d.getRuntime(ctx)
	if f != nil {
		return reload.Verdict{}, f
	}
	if now.epoch() != d.epoch {
		return reload.Verdict{Reason: "the server restarted just now"}, nil
	}
	if !now.ReloadConfigSuccess {
		return reload.Verdict{Reason: "the server's last load failed (reloadConfigSuccess is false)"}, nil
	}
	if now.skewed() {
		return reload.Verdict{Reason: "the server's clock differs from this one's"}, nil
	}
	if now.setBack() {
		return reload.Verdict{Reason: "the clock was set back since the server's last load"}, nil
	}
	data, _ := p.Data.(plan)
	changed := changedAt(data.dirs)
	if changed.IsZero() || len(data.dirs) == 0 {
		return reload.Verdict{Reason: "when the files changed last is not known"}, nil
	}
	v := reload.Verdict{Proven: true, By: proofByTime, After: d.observation(now)}
	if then, ok := proof.Then.Data.(runtime); ok && proof.Unchanged && changed.Add(margin).Before(then.here) {
		// Nothing changed since these very files were proven: whatever was loaded since is the same.
		return v, nil
	}
	switch {
	case changed.Add(margin).Before(now.StartTime):
		v.By = proofByStart
		return v, nil
	case changed.Add(d.o.Timeout).Before(now.LastConfigTime):
		return v, nil
	}
	return reload.Verdict{Reason: "the files are as new as the server's last load"}, nil
}

// confirmSignal waits for what a signal's result changes.
func (d *Driver) confirmSignal(ctx context.Context) (reload.Verdict, *reload.Failure) {
	before := d.before
	limit := d.o.Timeout
	if !before.ReloadConfigSuccess {
		limit = min(limit, stuckWait)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for pause := firstPoll; ; pause = min(2*pause, maxPoll) {
		now, f := d.getRuntime(ctx)
		switch {
		case f != nil && ctx.Err() == nil:
			return reload.Verdict{}, f
		case f == nil && now.ReloadConfigSuccess && !now.LastConfigTime.Equal(before.LastConfigTime): // earlier, if the clock was set back
			return reload.Verdict{Proven: true, By: proofByTime, After: d.observation(now)}, nil
		case f == nil && before.ReloadConfigSuccess && !now.ReloadConfigSuccess:
			return reload.Verdict{Refused: true, Reason: "after SIGHUP the server says that its load failed (reloadConfigSuccess is false); its log says why"}, nil
		}
		select {
		case <-ctx.Done():
			return reload.Verdict{Reason: "after SIGHUP the server shows no successful load within " + limit.String()}, nil
		case <-time.After(pause):
		}
	}
}

// signal sends SIGHUP, in a second in which its effect on lastConfigTime can be seen.
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
		select {
		case <-ctx.Done():
			return &reload.Failure{Class: reload.ClassLocal, Message: "send SIGHUP: stopped", Untouched: true, Err: ctx.Err()}
		case <-time.After(rest):
		}
	}
	return p.Signal(syscall.SIGHUP)
}

// observeProcess is all that can be seen without a URL.
func (d *Driver) observeProcess() (reload.Observation, error) {
	p, err := process.Find(d.o.Process)
	if err != nil {
		return reload.Observation{Reason: err.Error()}, nil
	}
	if reason := p.TakesHangUp(); reason != "" {
		return reload.Observation{Reason: reason}, nil
	}
	return reload.Observation{Ready: true, Epoch: p.Epoch()}, nil
}

func (d *Driver) confirmProcess(proof reload.Proof) (reload.Verdict, error) {
	if !proof.Reloaded {
		return reload.Verdict{Reason: "without a URL nothing is known of the server"}, nil
	}
	after, err := d.observeProcess()
	if err != nil || !after.Ready {
		return reload.Verdict{Reason: after.Reason}, err
	}
	return reload.Verdict{Proven: true, By: signalSent, After: after}, nil
}

// Package driver makes a Prometheus reload its files and proves that it did.
package driver

import (
	"context"
	"net/http"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/httpclient"
	"reloader/internal/process"
	"reloader/internal/prometheus/validator"
	"reloader/internal/reload"
)

const (
	askTimeout     = 10 * time.Second
	defaultTimeout = 5 * time.Minute
	// cutWait is how long a reload may still be running after its connection was cut. It is short because, unlike a reload
	// that timed out, this one may never have started.
	cutWait = 10 * time.Second
)

// Method is how Prometheus is told to reload.
type Method string

// The methods.
const (
	HTTP   Method = "http"   // POST /-/reload; needs --web.enable-lifecycle
	Signal Method = "signal" // SIGHUP in a shared process namespace
)

// Options describe one Prometheus.
type Options struct {
	// Client says where Prometheus is. With method signal the URL may be empty; then nothing is proven.
	Client httpclient.Options
	// Method defaults to HTTP.
	Method Method
	// Process is the program's name for method signal; default "prometheus".
	Process string
	// Timeout bounds one reload; default 5 min. It is long because the server finishes a slow reload
	// whether or not a client waits for it.
	Timeout time.Duration
	// ConfigFile is the path of the main file that the server should have; empty: not compared. UserFile is the same file as
	// the user named it, for messages.
	ConfigFile, UserFile string
	// Comparer compares what a server of another version shows; nil: it is not compared.
	Comparer Comparer
}

// Comparer is the part of the validator that compares.
type Comparer interface {
	Compare(ctx context.Context, facts finding.Facts, text string, c validator.Comparison) (validator.Compared, error)
}

// Driver implements reload.Driver.
type Driver struct {
	o     Options
	c     *httpclient.Client // nil without a URL
	asker asker

	epoch      string // the epoch of the facts below
	facts      finding.Facts
	serverFile string // --config.file, absolute if the server reports its directory
	serverDir  string // the server's working directory, when its --config.file is relative
	disabled   bool   // the server runs without --web.enable-lifecycle
	logLevel   string // --log.level
	outlined   bool   // the server was asked for its outline

	last    runtime       // newest answer
	took    time.Duration // how long the newest answer took
	before  runtime       // the answer before the newest reload
	pending *pending
	loads   int // loads that only a comparison revealed
	// signalled is when SIGHUP was last sent.
	signalled time.Time
	memory    memory
}

// pending is a reload without an answer: the server may still be busy with it.
type pending struct {
	plan     plan
	before   runtime
	sent     time.Time
	giveUpAt time.Time
}

// New checks the options.
func New(o Options) (*Driver, error) {
	if o.Method == "" {
		o.Method = HTTP
	}
	if o.Process == "" {
		o.Process = "prometheus"
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	d := &Driver{o: o, asker: newAsker()}
	if o.Client.URL == "" && o.Method == Signal {
		return d, nil
	}
	var err error
	d.c, err = httpclient.New(o.Client)
	return d, err
}

// Observe implements reload.Driver.
func (d *Driver) Observe(ctx context.Context) (reload.Observation, error) {
	if d.c == nil {
		return process.Observe(d.o.Process), nil
	}
	// Use a new connection: behind a load balancer it may lead to another server, and that must show.
	d.c.Close()
	d.asker.close()
	r, f := d.getRuntime(ctx)
	if f == nil && r.epoch() != d.epoch {
		var facts finding.Facts
		if facts, f = d.getFacts(ctx, r); f == nil {
			d.epoch, d.facts = r.epoch(), facts
		}
	}
	if f != nil {
		if away(f) {
			return reload.Observation{Reason: f.Error(), Class: f.Class}, nil
		}
		return reload.Observation{}, f
	}
	d.lookAgain(ctx, r)
	o := d.observation(r)
	if !d.outlined {
		d.outlined = true
		o.Outline = d.outline(ctx)
	}
	return o, nil
}

func (d *Driver) observation(r runtime) reload.Observation {
	return reload.Observation{Ready: true, Facts: d.facts, Epoch: r.epoch(), Load: d.loadName(r), Data: r}
}

// away reports whether the server is absent or not ready: not a failure but a reason to wait.
func away(f *reload.Failure) bool {
	switch f.Class {
	case reload.ClassUnreachable, reload.ClassTimeout, reload.ClassDNS, reload.ClassUnavailable, reload.ClassServer:
		return true
	default:
		return false
	}
}

// Reload implements reload.Driver.
func (d *Driver) Reload(ctx context.Context, p reload.Plan) error {
	data, _ := p.Data.(plan)
	if d.pending != nil {
		if done, f := d.awaitEarlier(ctx, data); f != nil {
			return f
		} else if done {
			return nil
		}
	}
	if d.o.Method == Signal {
		return d.signal(ctx)
	}
	d.before = d.last
	sent := time.Now()
	a, f := d.c.Do(ctx, http.MethodPost, pathReload, d.o.Timeout)
	if f != nil {
		if !f.Untouched {
			// The request arrived, and the server reloads although no one waits for the answer.
			d.pending = &pending{plan: data, before: d.before, sent: sent, giveUpAt: time.Now().Add(d.patience(f.Class))}
		}
		return f
	}
	if f := d.classify(http.MethodPost, pathReload, a); f != nil {
		return f
	}
	return nil
}

// patience is how long a reload without an answer may still be running, if nothing shows its end.
func (d *Driver) patience(class reload.Class) time.Duration {
	switch failed := !d.before.StartTime.IsZero() && !d.before.ReloadConfigSuccess; {
	case class != reload.ClassTimeout:
		return min(d.o.Timeout, cutWait)
	case failed: // a second failure would look the same
		return min(d.o.Timeout, stuckWait)
	default:
		return d.o.Timeout
	}
}

// awaitEarlier refuses to send a second reload while the first may still be running: Prometheus would
// queue it and do both. It reports true when the earlier one loaded what is wanted now.
func (d *Driver) awaitEarlier(ctx context.Context, want plan) (bool, *reload.Failure) {
	now, f := d.getRuntime(ctx)
	if f != nil {
		f.Untouched = true
		return false, f
	}
	p := *d.pending
	finished := now.epoch() != p.before.epoch() || now.load() != p.before.load()
	if !finished && time.Now().Before(p.giveUpAt) {
		if d.o.Method == Signal {
			return false, unfinished("the load that SIGHUP started has not finished")
		}
		return false, unfinished("an earlier reload was never answered, and the server has not finished it")
	}
	d.pending = nil
	// What it loaded is compared as after any reload. If the comparison would be incomplete, reload once more.
	e := want.expected
	whole := now.ReloadConfigSuccess && e != nil && len(e.Hidden) == 0 && (len(e.FileJobs) == 0 || d.memory.showsJobs(now))
	// For a signal, seeing the load is the only answer.
	if finished && !want.digest.IsZero() && want.digest == p.plan.digest && (whole || d.o.Method == Signal) {
		d.before, d.signalled = p.before, p.sent
		return true, nil
	}
	return false, nil
}

// wait waits for d and fails when ctx ends first; what says what for.
func wait(ctx context.Context, d time.Duration, what string) *reload.Failure {
	select {
	case <-ctx.Done():
		return local(what+": stopped", ctx.Err())
	case <-time.After(d):
		return nil
	}
}

// local is a failure of this process that did not involve the server.
func local(message string, err error) *reload.Failure {
	return &reload.Failure{Class: reload.ClassLocal, Message: message, Untouched: true, Err: err}
}

// classify refines httpclient's classification with what the answer means in Prometheus.
func (d *Driver) classify(method, p string, a httpclient.Answer) *reload.Failure {
	f := d.c.Classify(method, p, a)
	if f == nil {
		return nil
	}
	f.Body = validator.HideUserInfo(quotedValues().ReplaceAllString(f.Body, "`...`"))
	request := method + " " + d.c.URL(p)
	switch {
	case p == pathReload && a.Status == http.StatusForbidden && strings.Contains(a.Body, "Lifecycle API"):
		f.Class = reload.ClassDisabled
		f.Message = request + ": 403: the reload endpoint is switched off"
		f.Hint = "start Prometheus with --web.enable-lifecycle, or use --prometheus-method=signal"
	case p == pathReload && a.Status == http.StatusInternalServerError && strings.Contains(a.Body, "while applying the new configuration"):
		f.Class = reload.ClassPartial
		f.Message = request + ": 500: Prometheus applied only part of the new configuration"
		f.Hint = "its log names the part that failed (level=error \"Failed to apply configuration\"); a restart with these files would fail too, unless they change metric_name_validation_scheme, which only a restart applies to rules"
	case p == pathReload && a.Status == http.StatusInternalServerError && strings.Contains(a.Body, "failed to reload config"):
		f.Class, f.Untouched = reload.ClassRefused, true
		f.Message = request + ": 500: Prometheus refused the files and keeps its old configuration"
		f.Hint = "its answer says why"
	case a.Status == http.StatusNotFound:
		f.Message = request + ": 404: Prometheus is not at this path"
		f.Hint = "the URL must end with the path of --web.route-prefix or --web.external-url"
	case a.Status == http.StatusServiceUnavailable:
		f.Message = request + ": 503: Prometheus is not ready (it is replaying its WAL or shutting down)"
	}
	return f
}

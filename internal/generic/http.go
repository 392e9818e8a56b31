// Package generic makes any server with a reload endpoint, or any process, read its files again.
package generic

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/reload"
)

const defaultTimeout = 5 * time.Minute

// HTTP posts to one URL. The server counts as ready when its port is open (or, behind a proxy, the
// proxy's). The proof is the status code: nothing more is known about such a server.
type HTTP struct {
	c       *httpclient.Client
	timeout time.Duration
	answer  int // the status of the newest successful reload
}

// NewHTTP makes a driver that posts to o.URL; timeout bounds one reload, 0 means 5 min.
func NewHTTP(o httpclient.Options, timeout time.Duration) (*HTTP, error) {
	c, err := httpclient.New(o)
	if err != nil {
		return nil, err
	}
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	return &HTTP{c: c, timeout: timeout}, nil
}

// Observe implements reload.Driver.
func (d *HTTP) Observe(ctx context.Context) (reload.Observation, error) {
	address, err := d.c.DialAddress()
	if err != nil {
		return reload.Observation{Reason: err.Error(), Class: reload.ClassLocal}, nil
	}
	conn, err := httpclient.Dial(ctx, "tcp", address)
	if err != nil {
		return reload.Observation{Reason: err.Error(), Class: httpclient.Explain(ctx, err, address, 0).Class}, nil
	}
	_ = conn.Close()
	return reload.Observation{Ready: true}, nil
}

// Plan implements reload.Driver.
func (d *HTTP) Plan(context.Context, reload.Change) (reload.Plan, error) {
	return reload.Plan{Calls: []string{"POST " + d.c.URL("")}}, nil
}

// Reload implements reload.Driver.
func (d *HTTP) Reload(ctx context.Context, _ reload.Plan) error {
	a, f := d.c.Do(ctx, http.MethodPost, "", d.timeout)
	if f != nil {
		return f
	}
	if f := d.c.Classify(http.MethodPost, "", a); f != nil {
		if a.Status == http.StatusForbidden {
			f.Hint = "the reload endpoint may be switched off (Prometheus-like servers: --web.enable-lifecycle), or need an authKey in the URL"
		}
		return f
	}
	d.answer = a.Status
	return nil
}

// Confirm implements reload.Driver.
func (d *HTTP) Confirm(_ context.Context, _ reload.Plan, proof reload.Proof) (reload.Verdict, error) {
	if !proof.Reloaded {
		return reload.Verdict{Reason: "a generic server does not report what it runs"}, nil
	}
	return reload.Verdict{Proven: true, By: fmt.Sprintf("answered %d; contents not proven", d.answer), After: reload.Observation{Ready: true}}, nil
}

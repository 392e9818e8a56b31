package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"reloader/internal/finding"
	"reloader/internal/httpclient"
	"reloader/internal/reload"
)

// Observe asks /api/health, which needs no credentials. Grafana answers only after it has finished
// provisioning at start.
func (d *Driver) Observe(ctx context.Context) (reload.Observation, error) {
	if d.busy() {
		return reload.Observation{Reason: errBusy.Error(), Class: reload.ClassBusy}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	req, err := d.api.request(ctx, http.MethodGet, "/api/health", nil)
	if err != nil {
		return reload.Observation{}, err
	}
	resp, err := d.api.roundTrip(req)
	if err != nil {
		return notReady(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxWords))
	if err != nil {
		return notReady(httpclient.Explain(ctx, err, "GET /api/health", lookTimeout))
	}
	var health struct{ Database, Version string }
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable:
		return reload.Observation{Reason: "Grafana says that its database is not ready", Class: reload.ClassUnavailable}, nil
	case resp.StatusCode != http.StatusOK:
		return notReady(classify("GET /api/health", answer{status: resp.StatusCode, body: []byte(d.api.redact(string(body)))}))
	case json.Unmarshal(body, &health) != nil || health.Database == "":
		return reload.Observation{}, &reload.Failure{Class: reload.ClassUnexpected, Permanent: true, Untouched: true,
			Message: "GET /api/health: the answer is not Grafana's", Hint: "check --grafana-url", Body: reload.BoundBody(d.api.redact(string(body)))}
	case health.Database != "ok":
		return reload.Observation{Reason: "Grafana's database is " + reload.BoundBody(d.api.redact(health.Database)), Class: reload.ClassUnavailable}, nil
	}
	d.version = health.Version
	d.glance(ctx)
	return d.observation(), nil
}

// observation is what is known about the server after its newest answer.
func (d *Driver) observation() reload.Observation {
	return reload.Observation{
		Ready: true,
		Facts: finding.Facts{Version: d.version, SameEnv: d.o.SameEnv},
		Epoch: d.life.epoch(),
		Load:  strconv.Itoa(d.restarts.due(d.o.Clock())) + d.life.loads(),
	}
}

// notReady turns a failure that may pass into an observation. A permanent one, such as a wrong address, stays an error.
func notReady(err error) (reload.Observation, error) {
	f, ok := errors.AsType[*reload.Failure](err)
	if !ok || f.Permanent {
		return reload.Observation{}, err
	}
	return reload.Observation{Reason: fmt.Sprintf("Grafana is not ready: %s", f.Message), Class: f.Class}, nil
}

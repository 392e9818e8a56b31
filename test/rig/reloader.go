package rig

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/internal/status"
)

// Reloader is a `reloader run`, which is queried over its API.
type Reloader struct {
	*Process
	// URL is its own address; it stays the same over restarts.
	URL string
}

// NewReloader prepares a `reloader run` with these flags, without starting it.
func NewReloader(tb testing.TB, flags ...string) *Reloader {
	tb.Helper()
	return NewReloaderIn(tb, nil, flags...)
}

// NewReloaderIn is NewReloader with a command in front, which must execute its arguments.
func NewReloaderIn(tb testing.TB, command []string, flags ...string) *Reloader {
	tb.Helper()
	address := FreeAddress(tb)
	args := append(slices.Clip(command), Program(tb, "reloader"), "run", "--listen-address", address)
	args = append(args, flags...)
	return &Reloader{Process: NewProcess(tb, "reloader", args...), URL: "http://" + address}
}

// Status is the status of its only target.
func (r *Reloader) Status() (reload.Status, error) {
	var report status.Report
	if err := GetJSON(r.tb, r.URL+"/api/v1/status", &report); err != nil {
		return reload.Status{}, err
	}
	if len(report.Targets) != 1 {
		return reload.Status{}, fmt.Errorf("%d targets, want one", len(report.Targets))
	}
	return report.Targets[0], nil
}

// Reaches waits for a status of the only target that check accepts.
func (r *Reloader) Reaches(what string, check func(s reload.Status) bool) reload.Status {
	r.tb.Helper()
	var last reload.Status
	Eventually(r.tb, what, func() error {
		s, err := r.Status()
		if err != nil {
			return err
		}
		if last = s; !check(s) {
			return fmt.Errorf("phase %s, wanted %s, running %s, reason %q", s.Phase, s.Wanted, s.Running, s.Reason)
		}
		return nil
	})
	return last
}

// ReachesWith waits for a phase with the files that are in dir now.
func (r *Reloader) ReachesWith(dir string, phase reload.Phase) reload.Status {
	r.tb.Helper()
	o := Command(r.tb, "digest", dir)
	digest, _, ok := strings.Cut(o.Stdout, " ")
	if !ok || o.Code != 0 {
		r.tb.Fatalf("reloader digest: %+v", o)
	}
	return r.Reaches(fmt.Sprintf("%s with the files %s", phase, digest), func(s reload.Status) bool {
		return s.Phase == phase && s.Wanted.String() == digest
	})
}

// Metric is the value of one of its series, which must exist.
func (r *Reloader) Metric(series string) string {
	r.tb.Helper()
	body, err := Get(r.tb, r.URL+"/metrics")
	if err != nil {
		r.tb.Fatal(err)
	}
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	r.tb.Fatalf("no series %s", series)
	return ""
}

// Reread asks it to read its sources again, without waiting for that.
func (r *Reloader) Reread() {
	r.tb.Helper()
	status, body, err := ask(r.tb, http.MethodPost, r.URL+"/-/reload")
	if err != nil || status != http.StatusAccepted {
		r.tb.Fatalf("POST /-/reload: status %d, %v: %s", status, err, body)
	}
}

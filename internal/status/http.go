package status

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/common/expfmt"
)

// ProbePaths are for the kubelet, which has no password: they tell whether the process works, and which
// targets it still waits for.
var ProbePaths = []string{"/healthz", "/-/healthy", "/readyz", "/-/ready"}

// Handler serves everything. reread is called on POST /-/reload; it must not block. More adds routes of others.
func (t *Tracker) Handler(reread func(), more ...func(*http.ServeMux)) http.Handler {
	mux := http.NewServeMux()
	for _, add := range more {
		add(mux)
	}
	mux.HandleFunc("GET /metrics", t.serveMetrics)
	mux.HandleFunc("GET /api/v1/status", t.serveStatus)
	for _, path := range ProbePaths[:2] {
		mux.HandleFunc("GET "+path, serveHealthy)
	}
	for _, path := range ProbePaths[2:] {
		mux.HandleFunc("GET "+path, t.serveReady)
	}
	mux.HandleFunc("POST /-/reload", func(w http.ResponseWriter, _ *http.Request) {
		reread()
		text(w, http.StatusAccepted, "reading the files again")
	})
	return http.MaxBytesHandler(mux, 1<<20)
}

// NewServer returns a server that slow, idle or many clients cannot hold, and the listener to serve: l with
// a bounded number of connections.
func NewServer(h http.Handler, l net.Listener) (*http.Server, net.Listener) {
	bounded := &connections{Listener: l}
	return &http.Server{
		Handler:           h,
		ConnState:         bounded.state,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    12 << 10,
	}, bounded
}

func text(w http.ResponseWriter, code int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, line+"\n")
}

// serveHealthy says that this process serves; it never depends on a target.
func serveHealthy(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "healthy") }

// serveReady answers the readiness probe, and with ?startup the startup probe of a gated sidecar.
func (t *Tracker) serveReady(w http.ResponseWriter, r *http.Request) {
	if reason := t.NotReady(r.URL.Query().Has("startup")); reason != "" {
		text(w, http.StatusServiceUnavailable, "not ready: "+reason)
		return
	}
	text(w, http.StatusOK, "ready")
}

// lookTimeout bounds what a request for a status with ?look waits.
const lookTimeout = 8 * time.Second

// serveStatus answers with the status; with ?look, after each target in sync has compared what its server runs.
func (t *Tracker) serveStatus(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("look") {
		ctx, cancel := context.WithTimeout(r.Context(), lookTimeout)
		t.Look(ctx)
		cancel()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	// The status is already on its way; that the client went away is no one's concern.
	_ = enc.Encode(t.Report())
}

func (t *Tracker) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	families, err := t.registry.Gather()
	if err != nil {
		text(w, http.StatusInternalServerError, "gather metrics: "+err.Error())
		return
	}
	// The text format is the one that every scraper reads.
	w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return // the client went away
		}
	}
}

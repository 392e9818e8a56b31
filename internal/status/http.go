package status

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"time"

	"reloader/internal/exposition"
)

// ProbePaths are for the kubelet, which has no password: they show only whether the process works, and for which
// targets it still waits.
var ProbePaths = []string{"/healthz", "/-/healthy", "/readyz", "/-/ready"}

// Handler serves everything. reread is called on POST /-/reload; it must not block. more adds routes of other packages.
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

// NewServer returns a server that slow, idle or too many clients cannot block, and the listener to serve: l with
// a limited number of connections.
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

// serveHealthy answers the liveness probe; the answer never depends on a target.
func serveHealthy(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "healthy") }

// serveReady answers the readiness probe, and with ?startup the startup probe of a gated sidecar.
func (t *Tracker) serveReady(w http.ResponseWriter, r *http.Request) {
	if reason := t.NotReady(r.URL.Query().Has("startup")); reason != "" {
		text(w, http.StatusServiceUnavailable, "not ready: "+reason)
		return
	}
	text(w, http.StatusOK, "ready")
}

// lookTimeout limits how long a request for a status with ?look waits.
const lookTimeout = 8 * time.Second

// serveStatus answers with the status; with ?look, each target in sync first compares what its server runs.
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
	_ = enc.Encode(t.Report()) // it fails only if the client went away
}

func (t *Tracker) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", exposition.ContentType)
	_, _ = w.Write(t.exposition()) // it fails only if the client went away
}

package status

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Requests that a foreign web page makes a browser send are refused. Requests of programs, probes and
// people are not, however they reach the pod.
func TestGuard(t *testing.T) {
	t.Parallel()
	rereads := 0
	h := Guard(New(Build{}).Handler(func() { rereads++ }), "Reloader.Example.com")
	for _, c := range []struct {
		method, path, host string
		header             [2]string
		code               int
	}{
		{"GET", "/api/v1/status", "127.0.0.1:9533", [2]string{}, 200},
		{"GET", "/api/v1/status", "10.42.0.17:9533", [2]string{}, 200},
		{"GET", "/api/v1/status", "[::1]:9533", [2]string{}, 200},
		{"GET", "/api/v1/status", "localhost:19533", [2]string{}, 200},
		{"GET", "/api/v1/status", "monitor:9533", [2]string{}, 200},
		{"GET", "/api/v1/status", "monitor.monitoring.svc", [2]string{}, 200},
		{"GET", "/api/v1/status", "monitor.monitoring.svc.cluster.local.:9533", [2]string{}, 200},
		{"GET", "/api/v1/status", "reloader.example.com", [2]string{}, 200},
		{"GET", "/api/v1/status", "", [2]string{}, 200},
		{"GET", "/api/v1/status", "evil.example:9533", [2]string{}, 421},
		{"GET", "/api/v1/status", "monitor.svc.evil.example", [2]string{}, 421},
		{"GET", "/api/v1/status", "127.0.0.1.evil.example", [2]string{}, 421},
		{"GET", "/", "evil.example", [2]string{}, 421},
		{"POST", "/-/reload", "evil.example:9533", [2]string{}, 421},
		{"GET", "/metrics", "prometheus-scrapes-by.any.name", [2]string{}, 200},
		{"GET", "/healthz", "node.example.com", [2]string{}, 200},
		{"POST", "/-/reload", "127.0.0.1:9533", [2]string{}, 202},
		{"POST", "/-/reload", "127.0.0.1:9533", [2]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/-/reload", "127.0.0.1:9533", [2]string{"Sec-Fetch-Site", "same-site"}, 403},
		{"POST", "/-/reload", "127.0.0.1:9533", [2]string{"Origin", "http://evil.example"}, 403},
		{"POST", "/-/reload", "127.0.0.1:9533", [2]string{"Origin", "null"}, 403},
		{"POST", "/-/reload", "127.0.0.1:9533", [2]string{"Sec-Fetch-Site", "same-origin"}, 202},
		{"POST", "/-/reload", "127.0.0.1:9533", [2]string{"Origin", "http://127.0.0.1:9533"}, 202},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		r.Host = c.host
		if c.header[0] != "" {
			r.Header.Set(c.header[0], c.header[1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		// A path that this handler does not have is answered with 404, not refused.
		if w.Code != c.code && (c.code != 200 || w.Code != http.StatusNotFound) {
			t.Errorf("%s %s at %q with %v: %d, want %d", c.method, c.path, c.host, c.header, w.Code, c.code)
		}
	}
	if rereads != 3 {
		t.Errorf("%d rereads, want 3", rereads)
	}
}

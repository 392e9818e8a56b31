package driver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/driver"
)

// A server that answers every request with 200 and the same text is ready only if the text is an answer of
// Prometheus' API.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"status": "success", "data": {"startTime": "2026-01-01T00:00:00Z", "lastConfigTime": "2026-01-01T00:00:00Z", "reloadConfigSuccess": true, "version": "3.15.0"}}`)
	f.Add(`{"status": "success", "data": {"startTime": 5}}`)
	f.Add(`{"status": "success", "data": null}`)
	f.Add("<html>")
	var body atomic.Pointer[string]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(*body.Load()))
	}))
	f.Cleanup(srv.Close)
	f.Fuzz(func(t *testing.T, text string) {
		body.Store(&text)
		d, err := driver.New(driver.Options{Client: httpclient.Options{URL: srv.URL}})
		if err != nil {
			t.Fatal(err)
		}
		seen, err := d.Observe(t.Context())
		if err == nil && seen.Ready && !strings.Contains(strings.ToLower(text), "success") {
			t.Errorf("ready by %q: %+v", text, seen)
		}
	})
}

package main

import (
	"strings"
	"testing"
)

const metrics = `# HELP prometheus_http_requests_total Counter of HTTP requests.
# TYPE prometheus_http_requests_total counter
prometheus_http_requests_total{code="200",handler="/-/ready"} 4
prometheus_http_requests_total{code="200",handler="/-/reload"} 3
prometheus_http_requests_total{code="500",handler="/-/reload"} 2
prometheus_http_requests_totals{handler="/-/reload"} 9
`

// The reload requests of all status codes are added up; other handlers and longer metric names do not count.
func TestReloadRequests(t *testing.T) {
	t.Parallel()
	if n, err := reloadRequests(metrics); err != nil || n != 5 {
		t.Errorf("%d requests, %v, want 5", n, err)
	}
}

// Any text gives a number or an error, and a text without a reload request gives no number above 0.
func FuzzReloadRequests(f *testing.F) {
	f.Add(metrics)
	f.Add(`prometheus_http_requests_total{handler="/-/reload"} 1e400`)
	f.Add(`prometheus_http_requests_total{handler="/-/reload"}`)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := reloadRequests(text)
		if n != 0 && (err == nil) && !strings.Contains(text, `handler="/-/reload"`) {
			t.Errorf("%d requests in %q", n, text)
		}
	})
}

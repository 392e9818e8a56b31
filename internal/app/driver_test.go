package app

import (
	"testing"

	"reloader/internal/config"
)

// A URL with the reload endpoint in it, as other reloaders want it, means the server; no credential of a URL is shown.
func TestServerURL(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"http://127.0.0.1:9090":                "http://127.0.0.1:9090",
		"http://127.0.0.1:9090/-/reload":       "http://127.0.0.1:9090",
		"http://127.0.0.1:9090/-/reload/":      "http://127.0.0.1:9090",
		"https://h/prometheus/-/reload":        "https://h/prometheus",
		"http://127.0.0.1:9090/-/reload/other": "http://127.0.0.1:9090/-/reload/other",
	} {
		if got := serverURL(config.Target{Kind: config.Prometheus, URL: given}); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
	if got := serverURL(config.Target{Kind: config.HTTP, URL: "http://h/-/reload"}); got != "http://h/-/reload" {
		t.Errorf("a generic target's URL is %s", got)
	}
	if got := address(config.Target{Kind: config.HTTP, URL: "http://u:secret@h/-/reload?authKey=secret"}); got != "http://h/-/reload" {
		t.Errorf("shown as %s", got)
	}
}

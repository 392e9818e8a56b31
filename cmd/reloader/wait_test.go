package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/internal/status"
)

// A name that reloader does not follow is told at once, with those that it does.
func TestWaitForAnUnknownTarget(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(status.Report{Targets: []reload.Status{{Target: "prometheus"}, {Target: "grafana"}}})
	}))
	t.Cleanup(srv.Close)
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"wait", "--url", srv.URL, "--synced", "--target", "promtheus"}, stdio{out: &out, err: &errs})
	if code != exitUsage || !strings.Contains(errs.String(), `--target "promtheus": reloader follows prometheus, grafana`) {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}

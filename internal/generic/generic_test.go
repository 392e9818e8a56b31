package generic_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"reloader/internal/generic"
	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// The HTTP driver posts to one URL. A 200 counts as proof that the request worked, and never before a request.
func TestHTTP(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	status.Store(http.StatusOK)
	var requests atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/-/reload" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		requests.Add(1)
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write([]byte("failed to reload config: bad module"))
	}))
	d, err := generic.NewHTTP(httpclient.Options{URL: s.URL + "/-/reload"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := d.Observe(t.Context()); err != nil || !o.Ready {
		t.Errorf("Observe: %+v, %v", o, err)
	}
	p, err := d.Plan(t.Context(), reload.Change{})
	if err != nil || len(p.Calls) != 1 || requests.Load() != 0 {
		t.Errorf("Plan: %+v, %v, %d requests", p, err, requests.Load())
	}
	if v, err := d.Confirm(t.Context(), p, reload.Proof{}); err != nil || v.Proven {
		t.Errorf("proven without a call: %+v, %v", v, err)
	}
	if err := d.Reload(t.Context(), p); err != nil || requests.Load() != 1 {
		t.Errorf("Reload: %v, %d requests", err, requests.Load())
	}
	if v, err := d.Confirm(t.Context(), p, reload.Proof{Reloaded: true}); err != nil || !v.Proven || v.By != "answered 200; contents not proven" {
		t.Errorf("Confirm: %+v, %v", v, err)
	}
	status.Store(http.StatusInternalServerError)
	var f *reload.Failure
	if err := d.Reload(t.Context(), p); !errors.As(err, &f) || f.Class != reload.ClassServer || !strings.Contains(f.Body, "bad module") {
		t.Errorf("500: %v", err)
	}
	s.Close()
	// Another test may already use the closed port, so ask one where no one can listen.
	if d, err = generic.NewHTTP(httpclient.Options{URL: "http://" + rig.DeafPort(t) + "/-/reload"}, 0); err != nil {
		t.Fatal(err)
	}
	if o, err := d.Observe(t.Context()); err != nil || o.Ready || !strings.Contains(o.Reason, "refused") {
		t.Errorf("a closed port: %+v, %v", o, err)
	}
}

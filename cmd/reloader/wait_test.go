package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/status"
)

// A target that reloader does not follow ends wait at once, with the names of those that it follows.
func TestWaitForAnUnknownTarget(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(status.Report{Targets: []reload.Status{{Target: "prometheus"}, {Target: "grafana"}}})
	}))
	t.Cleanup(srv.Close)
	code, _, errs := runCommand(t, "", "wait", "--url", srv.URL, "--synced", "--target", "promtheus")
	if code != exitUsage || !strings.Contains(errs, `--target "promtheus": reloader follows prometheus, grafana`) {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// fake answers as a reloader: with what it knows, or after it has asked its server (?look).
type fake struct {
	plain, looked reload.Status
	looks         atomic.Int64
	asked         func() // nil, or called for each request
}

// start returns the address of a reloader; there may be several with the same answers.
func (f *fake) start(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.asked != nil {
			f.asked()
		}
		s := f.plain
		if r.URL.Query().Has("look") {
			f.looks.Add(1)
			s = f.looked
		}
		_ = json.NewEncoder(w).Encode(status.Report{Targets: []reload.Status{s}})
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func wait(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	return runCommand(t, "", append([]string{"wait"}, args...)...)
}

// running is the status of a Prometheus that is proven to run the files of this name.
func running(name string) reload.Status {
	d := snapshot.DigestBytes([]byte(name))
	return reload.Status{
		Target: "prometheus", Phase: reload.InSync, Applied: true, Wanted: d, Running: d,
		Sources: map[string]snapshot.Digest{"config": d},
	}
}

// wait says "live" only if every reloader has asked its server once more: the status from before may be out of date.
func TestWaitLooksFirst(t *testing.T) {
	t.Parallel()
	other := running("new")
	other.Phase, other.Running, other.Applied = reload.Mismatch, snapshot.Digest{}, false
	digest := running("new").Wanted.String()
	stale, honest := &fake{plain: running("new"), looked: other}, &fake{plain: running("new"), looked: running("new")}
	bad, good := stale.start(t), honest.start(t)
	if code, out, errs := wait(t, "--url", good, "--digest", digest); code != exitOK || out != "live: prometheus runs "+digest[:12]+"\n" || honest.looks.Load() == 0 {
		t.Errorf("one pod: exit code %d, %q, %q, %d looks", code, out, errs, honest.looks.Load())
	}
	for name, args := range map[string][]string{
		"by digest": {"--digest", digest}, "in sync": {"--synced"},
	} {
		code, out, errs := wait(t, append(args, "--url", good, "--url", bad, "--timeout", "4s")...)
		if code != exitFailed || out != "" || !strings.Contains(errs, bad) {
			t.Errorf("%s: exit code %d, %q, %q", name, code, out, errs)
		}
	}
	if code, out, errs := wait(t, "--url", good, "--url", honest.start(t), "--digest", digest); code != exitOK || strings.Count(out, "live: http://") != 2 {
		t.Errorf("two pods: exit code %d, %q, %q", code, out, errs)
	}
}

// If reloader never saw the files, wait says so and shows the digests to compare, instead of saying that they are not live.
func TestWaitForFilesThatNeverCame(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var requests atomic.Int64
	f := &fake{plain: running("old"), looked: running("old"), asked: func() {
		if requests.Add(1) == 2 { // it has the first answer: the wait may end
			cancel()
		}
	}}
	var out, errs bytes.Buffer
	code := run(ctx, []string{"wait", "--url", f.start(t), "--digest", running("new").Wanted.String()}, stdio{out: &out, err: &errs})
	if code != exitFailed || !strings.Contains(errs.String(), "has never seen these files") || !strings.Contains(errs.String(), "config has digest "+running("old").Wanted.Short()) {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}

// If the server runs something else than the files, or keeps refusing them, wait ends before its timeout. It prints each part
// of the reason once.
func TestWaitEndsWithTheReason(t *testing.T) {
	t.Parallel()
	for says, c := range map[string]struct {
		change func(*reload.Status)
		parts  []string
	}{
		"the server accepted these files but runs something else": {func(s *reload.Status) {
			s.Phase, s.Differences, s.Cause = reload.Mismatch, []string{`scrape job "new" is missing`}, "a stale mount"
			s.Reason = "Prometheus answered 200 and runs something else"
		}, []string{`scrape job "new" is missing`, "a stale mount"}},
		"the server refused exactly these files": {func(s *reload.Status) {
			s.Phase, s.Reason = reload.Retrying, "POST /-/reload: 500: refused (its answer says why)"
			s.Failure = &reload.FailureStatus{Class: reload.ClassRefused, Message: "POST /-/reload: 500: refused", Hint: "its answer says why", Body: "unknown field\nin line 3"}
		}, []string{"500: refused", "its answer says why", "unknown field"}},
	} {
		s := running("new")
		s.Running, s.Applied = snapshot.Digest{}, false
		c.change(&s)
		f := &fake{plain: s, looked: s}
		code, _, errs := wait(t, "--url", f.start(t), "--digest", s.Wanted.String(), "--timeout", "1h")
		if code != exitFailed || !strings.Contains(errs, "reloader wait: "+says) {
			t.Errorf("%s: exit code %d, %s", says, code, errs)
		}
		for _, part := range c.parts {
			if n := strings.Count(errs, part); n != 1 {
				t.Errorf("%s: %q is printed %d times, want once:\n%s", says, part, n, errs)
			}
		}
	}
}

// A name with several addresses, as a headless Service has, stands for all of them. Each is asked under that name.
func TestWaitAtAllAddresses(t *testing.T) {
	t.Parallel()
	var hosts sync.Map
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts.Store(r.Host, true)
		_ = json.NewEncoder(w).Encode(status.Report{Targets: []reload.Status{running("new")}})
	}))
	t.Cleanup(srv.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	r, err := newRemote("http://monitor.shop.svc:"+port, httpclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(r.base)
	if err != nil {
		t.Fatal(err)
	}
	all := r.at([]string{"127.0.0.1", "127.0.0.2"}, u)
	for i, want := range []string{"127.0.0.1:" + port, "127.0.0.2:" + port} {
		if all[i].name != want {
			t.Errorf("named %s, want %s", all[i].name, want)
		}
	}
	if _, err := all[0].report(t.Context()); err != nil {
		t.Error(err)
	}
	if _, ok := hosts.Load("monitor.shop.svc:" + port); !ok {
		t.Error("the request did not have the name as its host")
	}
}

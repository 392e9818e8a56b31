package main

import (
	"bytes"
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

// fleet are reloaders that answer with what a test sets, each apart for questions with a look.
type fleet struct {
	plain, looked reload.Status
	looks         atomic.Int64
}

func (f *fleet) start(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	var o, e bytes.Buffer
	code = run(t.Context(), append([]string{"wait"}, args...), stdio{out: &o, err: &e})
	return code, o.String(), e.String()
}

func running(name string) reload.Status {
	d := snapshot.DigestBytes([]byte(name))
	return reload.Status{
		Target: "prometheus", Phase: reload.InSync, Applied: true, Wanted: d, Running: d,
		Sources: map[string]snapshot.Digest{"config": d},
	}
}

// wait says "live" only of what was looked at after it asked, in every pod.
func TestWaitLooksFirst(t *testing.T) {
	t.Parallel()
	other := running("new")
	other.Phase, other.Running, other.Applied = reload.Mismatch, snapshot.Digest{}, false
	digest := running("new").Wanted.String()
	lying, honest := &fleet{plain: running("new"), looked: other}, &fleet{plain: running("new"), looked: running("new")}
	bad, good := lying.start(t), honest.start(t)
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

// Files that never came are told apart from files that are not live, with what to compare.
func TestWaitForFilesThatNeverCame(t *testing.T) {
	t.Parallel()
	f := &fleet{plain: running("old"), looked: running("old")}
	code, _, errs := wait(t, "--url", f.start(t), "--digest", running("new").Wanted.String(), "--timeout", "300ms")
	if code != exitFailed || !strings.Contains(errs, "has never seen these files") || !strings.Contains(errs, "config has digest "+running("old").Wanted.Short()) {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// A server that took the files and runs something else, or refuses them again and again, ends the wait with the reason.
func TestWaitEndsWithTheReason(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*reload.Status){
		"the server accepted these files but runs something else": func(s *reload.Status) {
			s.Phase, s.Differences, s.Cause = reload.Mismatch, []string{`scrape job "new" is missing`}, "a stale mount"
			s.Reason = "Prometheus answered 200 and runs something else"
		},
		"the server refused exactly these files": func(s *reload.Status) {
			s.Phase, s.Reason = reload.Retrying, "POST /-/reload: 500: refused (its answer says why)"
			s.Failure = &reload.FailureStatus{Class: reload.ClassRefused, Message: "POST /-/reload: 500: refused", Hint: "its answer says why", Body: "unknown field\nin line 3"}
		},
	} {
		s := running("new")
		s.Running, s.Applied = snapshot.Digest{}, false
		change(&s)
		f := &fleet{plain: s, looked: s}
		code, _, errs := wait(t, "--url", f.start(t), "--digest", s.Wanted.String(), "--timeout", "1m")
		if code != exitFailed || !strings.Contains(errs, "reloader wait: "+name) {
			t.Errorf("%s: exit code %d, %s", name, code, errs)
		}
		for _, once := range append(s.Differences, "a stale mount", "500: refused", "unknown field", "its answer says why") {
			if want := strings.Contains(s.Reason+s.Cause+strings.Join(s.Differences, "")+"unknown field", once) && (s.Failure != nil || once != "unknown field"); want && strings.Count(errs, once) != 1 {
				t.Errorf("%s: %q stands there %d times:\n%s", name, once, strings.Count(errs, once), errs)
			}
		}
	}
}

// One name with several addresses, as a headless Service has, means all of them, each asked by that name.
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
		t.Error("not asked by its name")
	}
}

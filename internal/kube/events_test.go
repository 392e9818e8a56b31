package kube

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

var _ reload.Observer = (*Events)(nil)

func digest(s string) snapshot.Digest { return snapshot.DigestBytes([]byte(s)) }

func rejected(wanted string) reload.Status {
	return reload.Status{
		Target: "prometheus", Phase: reload.Rejected, Wanted: digest(wanted), Running: digest("good"),
		Findings: []finding.Finding{
			{File: "/etc/prometheus/prometheus.yml", Line: 1, Severity: finding.Warning, Message: "only a warning"},
			{File: "/etc/prometheus/prometheus.yml", Line: 7, Column: 3, Severity: finding.Error, Message: "unknown field\n\"scrape\""},
			{File: "/etc/prometheus/rules.yml", Line: 2, Severity: finding.Error, Message: "bad expression"},
		},
	}
}

func inSync(running string) reload.Status {
	return reload.Status{Target: "prometheus", Phase: reload.InSync, Wanted: digest(running), Running: digest(running), Changes: []string{"1 scrape job added"}}
}

func confirming(running string) reload.Status {
	return reload.Status{Target: "prometheus", Phase: reload.Confirming, Wanted: digest("new"), Running: digest(running)}
}

func startEvents(t *testing.T, a *fakeAPI) (*Events, *rig.Buffer, context.CancelFunc, chan struct{}) {
	t.Helper()
	log := &rig.Buffer{}
	e := NewEvents(a.client(), slog.New(slog.NewTextHandler(log, nil)))
	e.forbidden = max(a.forbidden, time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return e, log, cancel, done
}

func wantEvents(t *testing.T, a *fakeAPI, want ...string) {
	t.Helper()
	slices.Sort(want)
	var got []string
	rig.Until(t, fmt.Sprint(want), func() bool {
		got = a.list()
		slices.Sort(got)
		return len(got) >= len(want) && slices.Equal(got, want)
	})
}

const rejection = `ConfigRejected prometheus: /etc/prometheus/prometheus.yml:7:3: unknown field "scrape" (and 1 more)`

// Each kind of event is created for reloader's own pod, with file, line and cause. The same event again raises its count.
func TestEvents(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(t)
	e, _, _, _ := startEvents(t, a)
	starting := reload.Status{Target: "prometheus", Phase: reload.Starting}
	e.Transition(starting, inSync("good")) // a start is no event
	e.Transition(inSync("good"), rejected("bad"))
	e.Transition(rejected("bad"), rejected("bad")) // no change
	e.Transition(rejected("bad"), inSync("good"))  // undone
	e.Transition(inSync("good"), rejected("bad"))
	better := inSync("better")
	e.Transition(inSync("good"), reload.Status{Target: "prometheus", Phase: reload.RolledBack, Wanted: digest("refused"), Reason: "the server said no"})
	e.Transition(rejected("bad"), better)
	better.RestartRequired = []string{"[server] http_port"}
	e.Transition(better, better)
	e.Transition(better, better)
	wantEvents(t, a,
		"2 "+rejection,
		"1 ConfigApplied prometheus runs "+digest("good").Short(),
		"1 ConfigApplied prometheus runs "+digest("better").Short()+": 1 scrape job added",
		"1 RolledBack prometheus refused "+digest("refused").Short()+" and has the last good files again: the server said no",
		"1 RestartRequired prometheus needs a restart for: [server] http_port",
	)
	a.mu.Lock()
	defer a.mu.Unlock()
	want := map[string]any{"apiVersion": "v1", "kind": "Pod", "namespace": "monitoring", "name": "monitor-0", "uid": "uid-1"}
	for _, ev := range a.events {
		if d := cmp.Diff(want, ev["involvedObject"]); d != "" {
			t.Errorf("involved object (-want +got):\n%s", d)
		}
	}
}

// An Event that the API has deleted is created again.
func TestForgottenEvent(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(t)
	e, _, _, _ := startEvents(t, a)
	e.Transition(inSync("good"), rejected("bad"))
	wantEvents(t, a, "1 "+rejection)
	a.mu.Lock()
	clear(a.events)
	a.mu.Unlock()
	e.Transition(inSync("good"), rejected("bad"))
	wantEvents(t, a, "1 "+rejection)
}

// Events from the time when the API did not answer arrive once it does. A target never waits for it, and only the newest
// events are kept.
func TestEventsWhileAway(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(t)
	a.hang = make(chan struct{})
	e, _, _, _ := startEvents(t, a)
	for i := range 10 * maxQueue {
		s := rejected("bad")
		s.Findings[1].Message = fmt.Sprint("mistake ", i)
		e.Transition(inSync("good"), s)
	}
	e.mu.Lock()
	n := len(e.queue)
	e.mu.Unlock()
	if n > maxQueue {
		t.Errorf("%d events wait, want at most %d", n, maxQueue)
	}
	close(a.hang)
	rig.Until(t, "the newest event", func() bool {
		return slices.ContainsFunc(a.list(), func(s string) bool { return strings.Contains(s, fmt.Sprint("mistake ", 10*maxQueue-1)) })
	})
}

// An API server that has just started refuses everything at first. The event is sent again, and no missing permission is logged.
func TestEventRefusedAtFirst(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(t)
	a.forbidden = time.Minute
	e, log, _, _ := startEvents(t, a)
	a.answer("create events", http.StatusForbidden)
	e.Transition(inSync("good"), rejected("bad"))
	rig.Until(t, "a refused try", func() bool { return a.asked("create events") > 0 })
	a.answer("create events", 0)
	wantEvents(t, a, "1 "+rejection)
	if log.String() != "" {
		t.Errorf("a permission that exists is logged as missing:\n%s", log)
	}
}

// The last event is sent before the end, and a missing permission is logged once.
func TestLastEvents(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(t)
	e, log, cancel, done := startEvents(t, a)
	a.answer("create events", http.StatusForbidden)
	for _, s := range []string{"one", "two", "three"} {
		st := rejected(s)
		st.Findings[1].Message = s
		e.Transition(inSync("good"), st)
	}
	rig.Until(t, "a message", func() bool { return strings.Contains(log.String(), "may not create and patch events") })
	e.Transition(confirming("good"), inSync("better"))
	rig.Until(t, "an empty queue", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(e.queue) == 0
	})
	a.answer("create events", 0)
	e.Transition(confirming("better"), inSync("best"))
	cancel()
	<-done
	if got := a.list(); len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), digest("best").Short()) {
		t.Errorf("the last event is missing: %v", got)
	}
	if n := strings.Count(log.String(), "may not create"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, log)
	}
}

// A message is one line, at most as long as the API accepts, and cut between two characters.
func TestLongMessage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("ü\n", 3000), "x" + strings.Repeat("ü\n", 3000), strings.Repeat("日本語", 500), strings.Repeat("a", 5000)} {
		e := NewEvents(&Client{}, slog.New(slog.DiscardHandler))
		s := rejected("bad")
		s.Findings[1].Message = text
		e.Transition(inSync("good"), s)
		ev, ok := e.next()
		if n := len(ev.message); !ok || n > maxMessage || n < maxMessage-utf8.UTFMax || !utf8.ValidString(ev.message) || strings.Contains(ev.message, "\n") || !strings.HasSuffix(ev.message, "...") {
			t.Errorf("%d bytes: %q", n, ev.message[:80])
		}
	}
}

// Even for a pod with the longest name, the name of the Event is one that the API accepts.
func TestEventName(t *testing.T) {
	t.Parallel()
	for pod, want := range map[string]string{
		"monitor-0": "monitor-0.", strings.Repeat("a", 253): strings.Repeat("a", 230) + ".", strings.Repeat("a", 229) + "-" + strings.Repeat("b", 20): strings.Repeat("a", 229) + ".",
	} {
		e := NewEvents(&Client{pod: pod}, slog.New(slog.DiscardHandler))
		if got := e.name(time.Now()); !strings.HasPrefix(got, want) || len(got) > 253 {
			t.Errorf("pod %s: event %s", pod, got)
		}
	}
}

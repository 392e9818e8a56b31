package driver

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/proof"
	"reloader/internal/reload"
)

// A reload that timed out is waited for once more as long as its timeout. A reload whose connection was cut may never have
// begun, so it delays the next one only briefly.
func TestPatience(t *testing.T) {
	t.Parallel()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	done := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer hung.Close()
	defer close(done)
	patience := func(url string, timeout time.Duration, class reload.Class) time.Duration {
		t.Helper()
		d, err := New(Options{Client: httpclient.Options{URL: url}, Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		f, ok := errors.AsType[*reload.Failure](d.Reload(context.Background(), reload.Plan{Data: plan{}}))
		if !ok || f.Class != class || d.pending == nil {
			t.Fatalf("failure %+v, pending %v", f, d.pending)
		}
		return d.pending.giveUpAt.Sub(d.pending.sent)
	}
	if p := patience(cut.URL, time.Hour, reload.ClassUnreachable); p > time.Minute {
		t.Errorf("a cut connection is waited for %s", p)
	}
	// After a failed load, the end of another failed load is not visible.
	d := &Driver{o: Options{Timeout: time.Hour}, before: runtime{StartTime: time.Now()}}
	if p := d.patience(reload.ClassTimeout); p > time.Minute {
		t.Errorf("a slow reload after a failed one is waited for %s more", p)
	}
	d.before.ReloadConfigSuccess = true
	if p := d.patience(reload.ClassTimeout); p != time.Hour {
		t.Errorf("a slow reload is waited for %s more, want its timeout", p)
	}
	const timeout = 500 * time.Millisecond // enough to send the request
	if p := patience(hung.URL, timeout, reload.ClassTimeout); p < 2*timeout {
		t.Errorf("a slow reload is waited for %s more than its timeout of %s", p-timeout, timeout)
	}
}

// How long missing scrape pools are waited for depends on the time since the load, and is never more than right after a load, even
// if the load is in the future because the server's clock was set back.
func TestPoolsAreNotWaitedForLonger(t *testing.T) {
	t.Parallel()
	at := time.Now()
	for name, c := range map[string]struct {
		loaded time.Duration
		want   time.Duration
	}{
		"just loaded": {0, poolWait}, "a while ago": {-poolWait / 3, poolWait - poolWait/3}, "long ago": {-time.Hour, poolWait - time.Hour},
		"in the future": {time.Hour, poolWait},
	} {
		now := runtime{ServerTime: at, LastConfigTime: at.Add(c.loaded), StartTime: at.Add(c.loaded - time.Hour)}
		if got := poolsTake(false, now); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if got := poolsTake(true, now); got != poolWait {
			t.Errorf("%s, after a reload of ours: %s", name, got)
		}
	}
}

// Hidden settings are proven by the reload after the last change, and never without one. Those that no page of any server shows are
// also reported as not compared.
func TestQueryOffsetIsNotCompared(t *testing.T) {
	t.Parallel()
	for hidden, want := range map[string]int{proof.QueryOffset: 1, "values of secrets": 0} {
		p := plan{expected: &proof.Expected{Hidden: []string{hidden}}}
		v := new(Driver).judge(p, reload.Proof{Reloaded: true}, look{compared: []string{"configuration"}}, runtime{})
		if !v.Proven || !strings.Contains(v.By, hidden) || len(v.NotCompared) != want {
			t.Errorf("%s: %+v", hidden, v)
		}
		if v := new(Driver).judge(p, reload.Proof{}, look{compared: []string{"configuration"}}, runtime{}); v.Proven {
			t.Errorf("%s is proven without a reload: %+v", hidden, v)
		}
	}
}

package driver

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/reload"
)

// TestPatience: a reload that took too long is waited for as long again; one whose connection was cut may
// never have begun, and must not hold the next one up for minutes.
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
	// Behind a failed load another failed one shows no end.
	d := &Driver{o: Options{Timeout: time.Hour}, before: runtime{StartTime: time.Now()}}
	if p := d.patience(reload.ClassTimeout); p > time.Minute {
		t.Errorf("a slow reload behind a failed one is waited for %s more", p)
	}
	d.before.ReloadConfigSuccess = true
	if p := d.patience(reload.ClassTimeout); p != time.Hour {
		t.Errorf("a slow reload is waited for %s more, want its timeout", p)
	}
	const timeout = 50 * time.Millisecond
	if p := patience(hung.URL, timeout, reload.ClassTimeout); p < 2*timeout {
		t.Errorf("a slow reload is waited for %s more than its timeout of %s", p-timeout, timeout)
	}
}

package driver

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// TestNewestChangeFollowsLinks: what a server reads through a link to a directory is newer than the link.
func TestNewestChangeFollowsLinks(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	write := func() {
		t.Helper()
		if err := os.WriteFile(filepath.Join(elsewhere, "rules.yml"), []byte(time.Now().String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	// One link back to where it is, too: that must not go round for ever.
	if err := errors.Join(os.Symlink(elsewhere, filepath.Join(dir, "rules")), os.Symlink(dir, filepath.Join(elsewhere, "back")), os.Symlink(".", filepath.Join(dir, "again"))); err != nil {
		t.Fatal(err)
	}
	before := changedAt([]string{dir})
	if before.IsZero() {
		t.Skip("this system does not tell change times")
	}
	rig.Until(t, "a change behind the link is seen", func() bool {
		write()
		return changedAt([]string{dir}).After(before)
	})
}

// TestSetBack: a clock that was set back proves nothing.
func TestSetBack(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		name        string
		start, load time.Duration
		want        bool
	}{
		{"long ago", -time.Hour, -time.Minute, false},
		{"within the whole second", -time.Minute, 900 * time.Millisecond, false},
		{"started in the future", time.Minute, time.Minute, true},
		{"loaded in the future", -time.Hour, 10 * time.Second, true},
	} {
		if got := (runtime{StartTime: now.Add(c.start), LastConfigTime: now.Add(c.load), ServerTime: now}).setBack(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

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

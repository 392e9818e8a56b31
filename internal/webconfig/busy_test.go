package webconfig

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reloader/test/rig"
)

// protected serves "ok" behind a file with one user, ann, whose password is one. It counts the requests in progress.
func protected(t *testing.T) (p *Protection, url string, busy *atomic.Int64, log *rig.Buffer) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "web.yml")
	rig.Must(t, os.WriteFile(file, []byte("basic_auth_users:\n  ann: "+hash(t, "one")+"\n"), 0o600))
	log, busy = &rig.Buffer{}, &atomic.Int64{}
	p, err := Open(file, slog.New(slog.NewTextHandler(log, nil)))
	rig.Must(t, err)
	h := p.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }), "/healthz")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		busy.Add(1)
		defer busy.Add(-1)
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return p, s.URL, busy, log
}

// ask returns the status of an answer; 0 if none came within a few seconds, or before ctx ended.
func ask(ctx context.Context, url, password string) int {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0
	}
	if password != "" {
		req.SetBasicAuth("ann", password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// While wrong passwords are compared, which takes long on purpose, a right one that was used before is answered, and requests whose
// clients have gone end. Otherwise anyone who reaches the port could keep Prometheus from scraping, and fill the memory.
func TestWrongPasswordsDelayNoOne(t *testing.T) {
	t.Parallel()
	p, url, busy, _ := protected(t)
	if got := ask(t.Context(), url, "one"); got != http.StatusOK {
		t.Fatalf("status %d", got)
	}
	p.checking <- struct{}{} // a comparison without end
	flood, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { ask(flood, url, "wrong") })
	}
	rig.Until(t, "fifty requests", func() bool { return busy.Load() == 50 })
	if got := ask(t.Context(), url, "one"); got != http.StatusOK {
		t.Errorf("the right password: %d", got)
	}
	if got := ask(t.Context(), url+"/healthz", ""); got != http.StatusOK {
		t.Errorf("a probe: %d", got)
	}
	stop()
	all.Wait()
	rig.Until(t, "the end of the requests", func() bool { return busy.Load() == 0 })
	<-p.checking
	if got := ask(t.Context(), url, "wrong"); got != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", got)
	}
}

// The same for requests with a body that never comes: while it is awaited, Go does not notice that the client has gone.
func TestRequestsWithoutTheirBody(t *testing.T) {
	t.Parallel()
	p, url, busy, _ := protected(t)
	p.checking <- struct{}{} // a comparison without end
	defer func() { <-p.checking }()
	var conns []net.Conn
	for range 50 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		rig.Must(t, err)
		conns = append(conns, c)
		_, err = io.WriteString(c, "POST / HTTP/1.1\r\nHost: reloader\r\nContent-Length: 5\r\nAuthorization: Basic YW5uOndyb25n\r\n\r\n")
		rig.Must(t, err)
	}
	rig.Until(t, "fifty requests", func() bool { return busy.Load() == 50 })
	for _, c := range conns {
		rig.Must(t, c.Close())
	}
	rig.Until(t, "the end of the requests", func() bool { return busy.Load() == 0 })
}

// While the disk with the file does not answer, the last settings are in force and requests are answered; the log says so once. When
// it answers again, the newest settings count.
func TestHungFile(t *testing.T) {
	t.Parallel()
	p, url, _, log := protected(t)
	hang := make(chan struct{})
	p.read = func() { <-hang; p.follow() }
	for range 2 {
		for password, want := range map[string]int{"one": http.StatusOK, "two": http.StatusUnauthorized} {
			if got := ask(t.Context(), url, password); got != want {
				t.Errorf("password %s: %d, want %d", password, got, want)
			}
		}
	}
	if got := ask(t.Context(), url+"/healthz", ""); got != http.StatusOK {
		t.Errorf("a probe: %d", got)
	}
	if n := strings.Count(log.String(), "no answer from the file system within 500ms"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	rig.Must(t, os.WriteFile(p.path, []byte("basic_auth_users:\n  ann: "+hash(t, "two")+"\n"), 0o600))
	close(hang)
	rig.Until(t, "the new password", func() bool { return ask(t.Context(), url, "two") == http.StatusOK })
}

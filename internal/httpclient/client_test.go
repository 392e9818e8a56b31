package httpclient_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/test/rig"
)

func newClient(t *testing.T, o httpclient.Options) *httpclient.Client {
	t.Helper()
	c, err := httpclient.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// A request without a complete answer fails with a class, and counts as untouched only if it cannot have arrived.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	cut := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	slow := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	short := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("not a hundred bytes"))
	})
	for _, c := range []struct {
		name, url string
		class     reload.Class
		untouched bool
		words     string
	}{
		{"refused", "http://" + rig.DeafPort(t), reload.ClassUnreachable, true, "connection refused"},
		{"cut", cut, reload.ClassUnreachable, false, "cut before the answer"},
		{"timeout", slow, reload.ClassTimeout, false, "no answer within 2s"},
		{"short body", short, reload.ClassUnreachable, false, "cut"},
		{"dns", "http://no-such-host.invalid", reload.ClassDNS, true, "does not resolve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			timeout := 2 * time.Second
			if c.class != reload.ClassTimeout {
				timeout = rig.Patience
			}
			_, f := newClient(t, httpclient.Options{URL: c.url}).Do(t.Context(), http.MethodPost, "/-/reload", timeout)
			if f == nil || f.Class != c.class || f.Untouched != c.untouched || f.Permanent || !strings.Contains(f.Message, c.words) {
				t.Errorf("failure %+v", f)
			}
		})
	}
}

// A request that is cancelled fails with the context's error.
func TestStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	_, f := newClient(t, httpclient.Options{URL: url}).Do(ctx, http.MethodPost, "", time.Minute)
	if f == nil || !errors.Is(f.Err, context.Canceled) {
		t.Fatalf("failure %+v, want %v", f, context.Canceled)
	}
}

// Each status other than success has its class. Credentials in the answer are not shown, and long answers are cut.
func TestClassify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status    int
		class     reload.Class
		permanent bool
	}{
		{301, reload.ClassNotFound, true},
		{307, reload.ClassNotFound, true},
		{400, reload.ClassUnexpected, true},
		{401, reload.ClassUnauthorized, true},
		{403, reload.ClassForbidden, true},
		{404, reload.ClassNotFound, true},
		{405, reload.ClassMethod, true},
		{418, reload.ClassUnexpected, true},
		{429, reload.ClassUnexpected, true},
		{500, reload.ClassServer, false},
		{502, reload.ClassServer, false},
		{503, reload.ClassUnavailable, false},
		{504, reload.ClassServer, false},
	} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, password, _ := r.BasicAuth()
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte("you said " + password + " and " + r.URL.RawQuery + strings.Repeat("é", 4000)))
		})
		cl := newClient(t, httpclient.Options{URL: url + "/reload?authKey=hunter2-key", Username: "admin", Password: "hunter2"})
		a, f := cl.Do(t.Context(), http.MethodPost, "", time.Minute)
		if f != nil || a.Status != c.status || a.Date.IsZero() {
			t.Errorf("%d: %+v %v", c.status, a, f)
			continue
		}
		f = cl.Classify(http.MethodPost, "", a)
		if f.Class != c.class || f.Permanent != c.permanent {
			t.Errorf("%d: %+v", c.status, f)
		}
		if strings.Contains(f.Error()+f.Body, "hunter2") {
			t.Errorf("%d: a secret shows: %s %q", c.status, f.Error(), f.Body[:40])
		}
		if len(f.Body) > 4200 || !strings.HasSuffix(f.Body, "é...") {
			t.Errorf("%d: body of %d bytes", c.status, len(f.Body))
		}
	}
}

// A token file is read for each request, so that a new token is used at once. A missing or unusable file is a local, permanent
// failure, and no request is sent.
func TestCredentials(t *testing.T) {
	t.Parallel()
	var got string
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") })
	file := filepath.Join(t.TempDir(), "token")
	set := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := newClient(t, httpclient.Options{URL: url, BearerTokenFile: file})
	ask := func() *reload.Failure {
		got = "none"
		_, f := c.Do(t.Context(), http.MethodGet, "/", time.Minute)
		return f
	}
	if f := ask(); f == nil || f.Class != reload.ClassLocal || !f.Permanent || !f.Untouched || got != "none" || !strings.Contains(f.Hint, "mount") {
		t.Errorf("missing file: %+v", f)
	}
	set("one\r\n")
	if f := ask(); f != nil || got != "Bearer one" {
		t.Errorf("sent %q, %v", got, f)
	}
	set("two")
	if f := ask(); f != nil || got != "Bearer two" {
		t.Errorf("sent %q after the change, %v", got, f)
	}
	for _, text := range []string{"", "\n", "two\nlines", strings.Repeat("x", 100_000)} {
		set(text)
		if f := ask(); f == nil || f.Class != reload.ClassLocal || got != "none" {
			t.Errorf("file of %d bytes: sent %q, %+v", len(text), got, f)
		}
	}
}

// A CA file may be the bundle of all public CAs plus one: it is much larger than a credential may be.
func TestLargeBundleOfCAs(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	file := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(file, append(bytes.Repeat([]byte("# a comment between certificates\n"), 10_000), own...), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, httpclient.Options{URL: s.URL, CAFile: file})
	if f := c.Check(); f != nil {
		t.Error(f)
	}
	if a, f := c.Do(t.Context(), http.MethodGet, "/", rig.Patience); f != nil || a.Status != http.StatusOK {
		t.Error(a, f)
	}
}

// A connection is reused although the end of each answer arrives after the value that is read from it.
func TestStreamKeepsTheConnection(t *testing.T) {
	t.Parallel()
	const asked = 5
	wasRead, from := make(chan struct{}), make(chan string, asked)
	c := newClient(t, httpclient.Options{URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		from <- r.RemoteAddr
		if err := json.NewEncoder(w).Encode("value"); err != nil {
			t.Error(err)
		}
		w.(http.Flusher).Flush()
		<-wasRead
	})})
	connections := map[string]bool{}
	for range asked {
		_, f, err := c.Stream(t.Context(), "/", nil, rig.Patience, 1<<20, func(r io.Reader) error {
			var value string
			err := json.NewDecoder(r).Decode(&value)
			wasRead <- struct{}{}
			return err
		})
		if f != nil || err != nil {
			t.Fatal(f, err)
		}
		connections[<-from] = true
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for %d answers", len(connections), asked)
	}
}

// If the value was read and the end of the answer never arrives, the value is returned soon, not only after the request's
// timeout.
func TestStreamWithoutEnd(t *testing.T) {
	t.Parallel()
	c := newClient(t, httpclient.Options{URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "\"value\"\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})})
	ctx, cancel := context.WithTimeout(t.Context(), rig.Patience)
	defer cancel()
	var value string
	_, f, err := c.Stream(ctx, "/", nil, time.Hour, 1<<20, func(r io.Reader) error { return json.NewDecoder(r).Decode(&value) })
	if f != nil || err != nil || value != "value" || ctx.Err() != nil {
		t.Errorf("got %q, %v, %v; the context: %v", value, f, err, ctx.Err())
	}
}

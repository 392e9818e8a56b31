package httpclient_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"reloader/internal/httpclient"
	"reloader/test/rig"
)

// raw answers each request with bytes made from its Authorization header.
func raw(t *testing.T, answer func(authorization string) string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = fmt.Fprint(c, answer(req.Header.Get("Authorization")))
			}
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// A server may repeat the credentials in a proper answer or in one that is not HTTP. In no case are they in the
// failure.
func TestEchoedCredentials(t *testing.T) {
	t.Parallel()
	const password = `S3cr"t/Pa+ß`
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	pair := base64.StdEncoding.EncodeToString([]byte("adm:" + password))
	for name, answer := range map[string]func(string) string{
		"status code":      func(a string) string { return "HTTP/1.1 " + strings.TrimPrefix(a, "Basic ") + " x\r\n\r\n" },
		"header":           func(a string) string { return "HTTP/1.1 200 OK\r\nAuthorization " + a + "\r\n\r\n" },
		"protocol":         func(a string) string { return a + "\r\n\r\n" },
		"transfer coding":  func(a string) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + a + "\r\n\r\n" },
		"content length":   func(a string) string { return "HTTP/1.1 200 OK\r\nContent-Length: " + a + "\r\n\r\n" },
		"body":             func(a string) string { return "HTTP/1.1 500 x\r\nConnection: close\r\n\r\n" + a + " " + password },
		"body, as a query": func(string) string { return "HTTP/1.1 500 x\r\nConnection: close\r\n\r\n" + url.QueryEscape(password) },
		"body, as JSON": func(string) string {
			return "HTTP/1.1 500 x\r\nConnection: close\r\n\r\n" + fmt.Sprintf("%q", password)
		},
	} {
		var got atomic.Value
		c := newClient(t, httpclient.Options{URL: raw(t, func(authorization string) string {
			got.Store(authorization)
			return answer(authorization)
		}), Username: "adm", PasswordFile: file})
		a, f := c.Do(t.Context(), "POST", "/x", rig.Patience)
		if got.Load() != "Basic "+pair {
			t.Errorf("%s: the server got %q, want the credentials", name, got.Load())
		}
		if f == nil {
			f = c.Classify("POST", "/x", a)
		}
		if f == nil {
			t.Errorf("%s: no failure", name)
			continue
		}
		said := fmt.Sprintln(f, f.Message, f.Body, f.Err, f.Hint)
		for _, secret := range []string{password, pair, strings.TrimRight(pair, "="), url.QueryEscape(password), `S3cr\"t`} {
			if strings.Contains(said, secret) {
				t.Errorf("%s: %q shows %q", name, said, secret)
			}
		}
	}
}

// A credential of a few characters may be part of any word, so the answer is not shown at all.
func TestShortCredentials(t *testing.T) {
	t.Parallel()
	url := raw(t, func(string) string { return "HTTP/1.1 500 x\r\nConnection: close\r\n\r\nthe password is abc" })
	c := newClient(t, httpclient.Options{URL: url, Username: "adm", Password: "abc"})
	a, f := c.Do(t.Context(), "GET", "/", rig.Patience)
	if f != nil || a.Status != http.StatusInternalServerError {
		t.Fatalf("status %d, %v", a.Status, f)
	}
	if f := c.Classify("GET", "/", a); f == nil || strings.Contains(f.Body, "abc") {
		t.Errorf("%+v", f)
	}
}

// A fifo in place of a credential or certificate is an error, and does not block.
func TestFIFOs(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []httpclient.Options{
		{URL: "http://127.0.0.1:1", Username: "u", PasswordFile: fifo}, {URL: "http://127.0.0.1:1", BearerTokenFile: fifo},
		{URL: "https://127.0.0.1:1", CAFile: fifo}, {URL: "http://127.0.0.1:1", BearerTokenFile: "/dev/zero"},
	} {
		c := newClient(t, o)
		done := make(chan string, 1)
		go func() {
			_, f := c.Do(t.Context(), "GET", "/", time.Second)
			done <- f.Message
		}()
		select {
		case m := <-done:
			if !strings.Contains(m, "neither a file nor a directory") {
				t.Errorf("%+v: %s", o, m)
			}
		case <-time.After(rig.Patience):
			t.Fatalf("%+v blocks", o)
		}
	}
}

// Redirects are not followed, so no credentials go to another server. The redirect is returned as the answer.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s arrived elsewhere", r.Method, r.URL) })
	for _, code := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		here := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere+"/x", code) })
		c := newClient(t, httpclient.Options{URL: here, Username: "u", Password: "password"})
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a, f := c.Do(t.Context(), method, "/-/reload", rig.Patience)
			if f != nil || a.Status != code || c.Classify(method, "/-/reload", a) == nil {
				t.Errorf("%s: %d, %v", method, a.Status, f)
			}
		}
	}
}

// An answer that never ends is read up to 1 MiB.
func TestEndlessBody(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		line := []byte(strings.Repeat("x", 32<<10))
		for r.Context().Err() == nil {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	c := newClient(t, httpclient.Options{URL: url})
	a, f := c.Do(t.Context(), http.MethodGet, "/", rig.Patience)
	if f != nil || len(a.Body) != 1<<20 {
		t.Errorf("%d bytes, %v", len(a.Body), f)
	}
}

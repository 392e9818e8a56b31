package httpclient_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// strange is a server that answers each request with the same bytes, which need not be HTTP, then calls more, and keeps the
// connection open.
func strange(t *testing.T, answer string, more func(io.Writer)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens until the end of the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				in := bufio.NewReader(conn)
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				_, _ = io.WriteString(conn, answer)
				if more != nil {
					more(conn)
				}
				_, _ = io.Copy(io.Discard, in) // until the client hangs up
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// An answer that is not allowed for such a request is an unexpected one, and the caller never waits longer than its timeout: after a
// 101, Go's client leaves the connection to the caller, and no timeout closes it.
func TestInvalidAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		more   func(io.Writer)
		class  reload.Class
	}{
		"another protocol": {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", nil, reload.ClassUnexpected},
		"101 alone":        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", nil, reload.ClassUnexpected},
		"not HTTP, with the words of a TLS error": {"HTTP/1.1 200 OK\r\n\x01: tls: x\r\n\r\n", nil, reload.ClassUnexpected},
		"an encoding that quotes such words":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: tls: x\r\n\r\n", nil, reload.ClassUnexpected},
		"two lengths":                             {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", nil, reload.ClassUnexpected},
		"headers without end": {"HTTP/1.1 200 OK\r\n", func(w io.Writer) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(w, "X: "+strings.Repeat("x", 4000)+"\r\n")
			}
		}, reload.ClassUnexpected},
		"informational answers without end": {"", func(w io.Writer) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(w, "HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n")
			}
		}, reload.ClassUnexpected},
	} {
		client := newClient(t, httpclient.Options{URL: strange(t, c.answer, c.more)})
		for _, way := range []bool{true, false} {
			done := make(chan *reload.Failure, 1)
			go func() { done <- send(t.Context(), client, way, "/", 30*time.Second) }()
			select {
			case f := <-done:
				if f == nil {
					t.Errorf("%s, Do %v: it counts as an answer", name, way)
				} else if f.Class != c.class || f.Untouched {
					t.Errorf("%s, Do %v: class %s, untouched %v: %s; want %s", name, way, f.Class, f.Untouched, f.Error(), c.class)
				}
			case <-time.After(rig.Patience):
				t.Errorf("%s, Do %v: it never returned", name, way)
			}
		}
	}
}

package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts the real server on a real port.
func serve(t *testing.T) (string, *connections) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, bounded := NewServer(Guard(New(Build{}).Handler(func() {})), l)
	done := make(chan error, 1)
	go func() { done <- server.Serve(bounded) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	held, ok := bounded.(*connections)
	if !ok {
		t.Fatal("not bounded")
	}
	return l.Addr().String(), held
}

func dial(t *testing.T, from, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Of thousands of connections with half a request each, only a bounded number stays open. Meanwhile a probe from
// another address is answered, and its connection is kept.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	addr, held := serve(t)
	var dials atomic.Int64
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			dials.Add(1)
			return dialer.DialContext(ctx, network, to)
		},
		MaxIdleConnsPerHost: 1,
	}}
	defer client.CloseIdleConnections()
	probe := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	probe()
	for i := range 2000 {
		c := dial(t, "127.0.0.3", addr)
		if _, err := fmt.Fprintf(c, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-%d: ", i); err != nil {
			continue // closed already
		}
		if i%200 == 0 {
			probe()
		}
	}
	probe()
	held.mu.Lock()
	n := len(held.open)
	held.mu.Unlock()
	if n > maxConnections {
		t.Errorf("%d connections are held, want at most %d", n, maxConnections)
	}
	if g := runtime.NumGoroutine(); g > 2000 {
		t.Errorf("%d goroutines, want at most 2000", g)
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("the probes needed %d connections, want the first one to be kept", n)
	}
}

// A request with very large headers is refused before it is read to the end.
func TestLargeHeaders(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	c := dial(t, "127.0.0.1", addr)
	if _, err := io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", 64<<10)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, len("HTTP/1.1 431"))
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 431" {
		t.Errorf("%q, %v", answer, err)
	}
}

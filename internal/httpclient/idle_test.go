package httpclient

import "testing"

// A connection is never closed by this side for being idle: drivers take the loss of one for a restart of the server, however
// seldom they look.
func TestIdleConnectionsAreKept(t *testing.T) {
	t.Parallel()
	c, err := New(Options{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if f := c.connect(); f != nil {
		t.Fatal(f)
	}
	if d := c.transport.IdleConnTimeout; d != 0 {
		t.Errorf("idle connections are closed after %v", d)
	}
	if c.transport.DisableKeepAlives {
		t.Error("connections are not kept")
	}
}

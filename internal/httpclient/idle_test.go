package httpclient

import "testing"

// The client never closes a connection because it is idle: drivers read the loss of a connection as a restart of the server, even
// if they seldom ask.
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
		t.Error("keep-alive is off")
	}
}

package app

import (
	"errors"
	"net"
	"net/http"
	"testing"

	"reloader/internal/status"
	"reloader/test/rig"
)

// A client that has opened a connection and asks nothing holds up the stop for a while, and does not
// make it fail: the container would be said to have crashed.
func TestStopWithAnOpenConnection(t *testing.T) {
	t.Parallel()
	a := bareFast()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	rig.Must(t, err)
	a.server, a.listener = status.NewServer(http.NotFoundHandler(), listener)
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(a.listener) }()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
	rig.Must(t, err)
	defer conn.Close()
	// A second connection that was answered: the first one is accepted too.
	_, _, err = rig.Fetch(t, "http://"+listener.Addr().String())
	rig.Must(t, err)
	if err := a.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("serve: %v", err)
	}
}

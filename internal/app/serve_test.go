package app

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"reloader/internal/history"
	"reloader/internal/page"
	"reloader/internal/status"
	"reloader/test/rig"
)

// A client that has opened a connection and sends nothing may delay the stop, but does not make it
// fail: otherwise the container would count as crashed.
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
	// Once a second connection has its answer, the first one has been accepted too.
	_, _, err = rig.Fetch(t, "http://"+listener.Addr().String())
	rig.Must(t, err)
	if err := a.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("serve: %v", err)
	}
}

// An open page does not delay the stop. Its stream ends properly, not with a broken connection.
func TestStopWithAnOpenPage(t *testing.T) {
	t.Parallel()
	a := bareFast()
	a.log = slog.New(slog.DiscardHandler)
	a.history = history.New(nil)
	a.page = page.New(a.tracker.Report, a.history.Report)
	a.cfg.ListenAddress = "127.0.0.1:0"
	rig.Must(t, a.listen(t.Context()))
	go func() { _ = a.server.Serve(a.listener) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addr()+"/api/v1/events", nil)
	rig.Must(t, err)
	resp, err := http.DefaultClient.Do(req)
	rig.Must(t, err)
	defer resp.Body.Close()
	if err := a.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the page's stream: %v", err)
	}
}

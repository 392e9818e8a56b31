package httpclient

import (
	"net"
	"strings"
	"testing"

	"reloader/test/rig"
)

// A server at localhost is reached whether it listens on IPv4 or IPv6, and a refusal names every address that was tried.
func TestDialLocalhost(t *testing.T) {
	t.Parallel()
	reached := 0
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", at) //nolint:noctx // it binds at once
		if err != nil {
			t.Logf("%s: %v", at, err) // a machine without that family
			continue
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		conn, err := Dial(t.Context(), "tcp", "localhost:"+port)
		if err != nil {
			t.Errorf("%s: %v", at, err)
		} else {
			_ = conn.Close()
		}
		_ = l.Close()
		reached++
	}
	if reached == 0 {
		t.Error("this machine has neither family")
	}
	_, port, _ := net.SplitHostPort(rig.DeafPort(t))
	_, err := Dial(t.Context(), "tcp", "localhost:"+port)
	if err == nil || !strings.Contains(err.Error(), "nothing listens at ") || !strings.Contains(err.Error(), "127.0.0.1:"+port) || !strings.Contains(err.Error(), "[::1]:"+port) {
		t.Errorf("a port where nothing listens: %v", err)
	}
}

package httpclient

import (
	"net"
	"strings"
	"testing"
)

// A server at localhost is found at whichever family it listens on, and a refusal names every address that was tried.
func TestDialLocalhost(t *testing.T) {
	t.Parallel()
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
		_, err = Dial(t.Context(), "tcp", "localhost:"+port)
		if err == nil || !strings.Contains(err.Error(), "nothing listens at ") || !strings.Contains(err.Error(), "127.0.0.1:"+port) || !strings.Contains(err.Error(), "[::1]:"+port) {
			t.Errorf("%s, closed: %v", at, err)
		}
	}
}

package rig_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"reloader/test/rig"
)

// A server can listen at the address, also after a restart. No one else can: the kernel says that the address is in use.
func TestFreeAddress(t *testing.T) {
	t.Parallel()
	address := rig.FreeAddress(t)
	taken := func() {
		t.Helper()
		alone := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				if err := syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0); err != nil {
					t.Error(err)
				}
			})
		}}
		if l, err := alone.Listen(t.Context(), "tcp", address); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("listen at %s: %v, %v, want %v", address, l, err, syscall.EADDRINUSE)
		}
		if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("connect to %s: %v, %v, want %v", address, c, err, syscall.ECONNREFUSED)
		}
	}
	taken()
	for range 2 {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		rig.Must(t, err)
		rig.Must(t, l.Close())
		taken()
	}
}

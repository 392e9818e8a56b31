package rig

import (
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
)

// DeafPort is an address (host:port) where every connection is refused until the test ends: the port is taken, so that
// no other test gets it, and no one listens.
func DeafPort(t testing.TB) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	loopback := netip.MustParseAddr("127.0.0.1")
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: loopback.As4()}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(loopback.String(), strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
}

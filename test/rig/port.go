package rig

import (
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

// FreeAddress is a loopback address (host:port) at which nothing listens. The port is held until the test ends: the
// kernel gives it to no one who asks for any port, and to no connection. A server that asks for this very port gets it,
// also again after a restart.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	return hold(tb, true)
}

// DeafPort is an address (host:port) where every connection is refused until the test ends: no one can listen there.
func DeafPort(tb testing.TB) string {
	tb.Helper()
	return hold(tb, false)
}

// hold binds a socket that never listens. With reuse, others who reuse addresses, as servers do, may bind the port too:
// Linux allows that while no one listens.
func hold(tb testing.TB, reuse bool) string {
	tb.Helper()
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		tb.Fatal(err)
	}
	if reuse && runtime.GOOS != "linux" {
		defer func() { _ = syscall.Close(fd) }() // elsewhere the holder would be in the server's way
	} else {
		tb.Cleanup(func() { _ = syscall.Close(fd) })
	}
	if reuse {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
			tb.Fatal(err)
		}
	}
	loopback := netip.MustParseAddr("127.0.0.1")
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: loopback.As4()}); err != nil {
		tb.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	return net.JoinHostPort(loopback.String(), strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
}

package rig

import (
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

// FreeAddress is a loopback address (host:port) at which nothing listens. The port is reserved until the test ends: the
// kernel assigns it neither to a program that wants any free port nor to a connection. A server that wants this port gets it,
// also after a restart.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	return hold(tb, true)
}

// DeafPort is an address (host:port) where every connection is refused until the test ends: no one can listen there.
func DeafPort(tb testing.TB) string {
	tb.Helper()
	return hold(tb, false)
}

// hold binds a socket that never listens. With reuse, other sockets that reuse addresses, as servers do, may bind the port too:
// Linux allows that while nothing listens.
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
		defer func() { _ = syscall.Close(fd) }() // elsewhere a server could not bind the port
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

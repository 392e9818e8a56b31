package httpclient

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"time"
)

const keepAlive = 30 * time.Second

// Dial connects to an address. If localhost resolves to only one address family, it tries the other one, too: a server in
// the same pod may listen there, whatever the hosts file says.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	conn, err := d.DialContext(ctx, network, address)
	if err == nil || !errors.Is(err, syscall.ECONNREFUSED) {
		return conn, err
	}
	tried := []string{refusedAt(err, address)}
	if host, port, splitErr := net.SplitHostPort(address); splitErr == nil && strings.EqualFold(host, "localhost") {
		for _, ip := range []string{"127.0.0.1", "::1"} {
			other := net.JoinHostPort(ip, port)
			if other == tried[0] {
				continue
			}
			conn, otherErr := d.DialContext(ctx, network, other)
			if otherErr == nil {
				return conn, nil
			}
			tried = append(tried, other)
		}
	}
	return nil, &refused{tried: tried, err: err}
}

// refusedAt is the address that refused, as the resolver gave it.
func refusedAt(err error, address string) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		return op.Addr.String()
	}
	return address
}

// refused is the error of a dial that every address refused.
type refused struct {
	tried []string
	err   error
}

func (r *refused) Error() string {
	return "connection refused: nothing listens at " + strings.Join(r.tried, " and ")
}

func (r *refused) Unwrap() error { return r.err }

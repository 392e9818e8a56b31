package status

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"
)

// maxConnections limits the open connections; with their buffers they take about 3 MiB.
const maxConnections = 128

// connections is a listener with a limited number of connections. A new one is never refused,
// because it may be the kubelet's probe. Instead an older one is closed, from the address that has the most:
// a client that opens a thousand closes its own.
type connections struct {
	net.Listener
	mu   sync.Mutex
	open []*connection // oldest first
}

type connection struct {
	net.Conn
	of   *connections
	from string
	// working means that a request is being answered.
	working bool
}

// Accept implements net.Listener.
func (l *connections) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	from, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		from = c.RemoteAddr().String()
	}
	held := &connection{Conn: c, of: l, from: from}
	l.mu.Lock()
	l.open = append(l.open, held)
	victim := l.surplus()
	l.mu.Unlock()
	if victim != nil {
		_ = victim.Close()
	}
	return held, nil
}

// surplus selects the connection to close when there are too many: an idle one before a working one.
func (l *connections) surplus() *connection {
	if len(l.open) <= maxConnections {
		return nil
	}
	count := map[string]int{}
	most := l.open[0].from
	for _, c := range l.open {
		if count[c.from]++; count[c.from] > count[most] {
			most = c.from
		}
	}
	var oldest *connection
	// Not the last one, which was just accepted.
	for _, c := range l.open[:len(l.open)-1] {
		if c.from == most && (oldest == nil || oldest.working && !c.working) {
			oldest = c
		}
	}
	if oldest == nil {
		oldest = l.open[0]
	}
	return oldest
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.of.mu.Lock()
	if i := slices.Index(c.of.open, c); i >= 0 {
		c.of.open = slices.Delete(c.of.open, i, i+1)
	}
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// state is the http.Server.ConnState that records which connections are working.
func (l *connections) state(c net.Conn, s http.ConnState) {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	held, ok := c.(*connection)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	held.working = s == http.StateActive
}

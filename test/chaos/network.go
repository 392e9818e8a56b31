package chaos

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// network is the connection from reloader to the server.
type network struct {
	fault    atomic.Pointer[string] // "", cut, reset, 500, 403, slow, answer-lost
	password atomic.Pointer[string] // that the server expects
	version  atomic.Int64           // the minor version that the server claims; 0: its own
	inFlight atomic.Int32
	posts    atomic.Int64
	overlap  atomic.Bool // two reloads were in flight
}

func (n *network) set(fault string) { n.fault.Store(&fault) }

func (n *network) rotate(password string) { n.password.Store(&password) }

func (n *network) handler(target *url.URL) http.Handler {
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Del("Accept-Encoding")
	}}
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	forward.ModifyResponse = n.pretend
	n.set("")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n.posts.Add(1)
			if n.inFlight.Add(1) > 1 {
				n.overlap.Store(true)
			}
			defer n.inFlight.Add(-1)
		}
		if n.disturb(w, r, forward) {
			return
		}
		if _, password, _ := r.BasicAuth(); password != *n.password.Load() {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		r.Header.Del("Authorization")
		forward.ServeHTTP(w, r)
	})
}

// disturb applies the fault, and reports whether that was the answer.
func (n *network) disturb(w http.ResponseWriter, r *http.Request, forward http.Handler) bool {
	switch *n.fault.Load() {
	case "cut":
		panic(http.ErrAbortHandler)
	case "reset":
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = c.Close()
		}
		return true
	case "500":
		http.Error(w, "chaos", http.StatusInternalServerError)
		return true
	case "403": // a proxy that lets only the reload through
		if r.Method != http.MethodPost && !strings.Contains(r.URL.Path, "runtimeinfo") {
			http.Error(w, "chaos", http.StatusForbidden)
			return true
		}
	case "slow":
		select {
		case <-r.Context().Done():
			return true
		case <-time.After(300 * time.Millisecond):
		}
	case "answer-lost": // the server does its work, but its answer does not arrive
		if r.Method == http.MethodPost {
			r.Header.Del("Authorization")
			forward.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
	}
	return false
}

var ownVersion = regexp.MustCompile(`"version":"3\.[0-9]+\.`)

// pretend makes the server claim another version.
func (n *network) pretend(resp *http.Response) error {
	minor := n.version.Load()
	if minor == 0 || !strings.Contains(resp.Request.URL.Path, "buildinfo") {
		return nil
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	b = ownVersion.ReplaceAll(b, fmt.Appendf(nil, `"version":"3.%d.`, minor))
	resp.Body = io.NopCloser(bytes.NewReader(b))
	resp.ContentLength = int64(len(b))
	resp.Header.Set("Content-Length", strconv.Itoa(len(b)))
	return nil
}

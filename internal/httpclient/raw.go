package httpclient

import (
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"reloader/internal/reload"
)

// Credentials are the current user name and password, for drivers that log in instead of sending them
// with each request. Both are empty when none were given.
func (c *Client) Credentials() (user, password string, f *reload.Failure) {
	if c.o.Username == "" {
		return "", "", nil
	}
	c.secrets = c.secrets[:0]
	password = c.o.Password
	if c.o.PasswordFile != "" {
		if password, f = c.secret(c.o.PasswordFile, "password"); f != nil {
			return "", "", f
		}
	} else if password != "" {
		c.secrets = append(c.secrets, password)
	}
	// A server may repeat the header as it was sent, or the password as a URL or JSON encodes it: hide these forms, too.
	pair := base64.StdEncoding.EncodeToString([]byte(c.o.Username + ":" + password))
	c.secrets = append(c.secrets, pair, strings.TrimRight(pair, "="))
	for _, written := range []string{url.QueryEscape(password), url.PathEscape(password), strings.Trim(strconv.Quote(password), `"`)} {
		if written != password {
			c.secrets = append(c.secrets, written)
		}
	}
	return c.o.Username, password, nil
}

// Authorization is the value of that header for the current credentials; empty when none were given.
func (c *Client) Authorization() (string, *reload.Failure) {
	req := &http.Request{Header: http.Header{}}
	if f := c.authorize(req); f != nil {
		return "", f
	}
	return req.Header.Get("Authorization"), nil
}

// RoundTrip sends a request over the configured connection and adds no credentials. The caller
// closes the body. timeout is that of the request's context; it is only for the message.
// fresh is called when the request uses a new connection.
func (c *Client) RoundTrip(req *http.Request, timeout time.Duration, fresh func()) (*http.Response, *reload.Failure) {
	if f := c.connect(); f != nil {
		return nil, f
	}
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) {
			if !i.Reused {
				fresh()
			}
		},
	})
	return c.exchange(req.WithContext(ctx), c.URL(req.URL.Path), timeout)
}

// exchange sends a request and returns the head of the answer. shown is the request's address in messages.
func (c *Client) exchange(req *http.Request, shown string, timeout time.Duration) (*http.Response, *reload.Failure) {
	var sent atomic.Bool // another goroutine sets it, perhaps after this one has given up
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				sent.Store(true)
			}
		},
	}))
	resp, err := c.transport.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		// No request asks for that. The connection is the caller's now: no timeout would end reading from it.
		_ = resp.Body.Close()
		err = errSwitched
	}
	if err != nil {
		f := c.explain(err, req.Method+" "+shown, timeout)
		f.Untouched = !sent.Load()
		return nil, f
	}
	return resp, nil
}

// Explain says why connecting or reading an answer failed; see explain.
func Explain(ctx context.Context, err error, request string, timeout time.Duration) *reload.Failure {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return explain(err, request, timeout)
}

// Loopback reports whether the URL names this machine: localhost or a loopback address.
func (c *Client) Loopback() bool {
	host := c.base.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

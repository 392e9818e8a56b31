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
	sent := false
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		WroteRequest: func(i httptrace.WroteRequestInfo) { sent = i.Err == nil },
		GotConn: func(i httptrace.GotConnInfo) {
			if !i.Reused {
				fresh()
			}
		},
	})
	resp, err := c.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		f := c.explain(err, req.Method+" "+c.URL(req.URL.Path), timeout)
		f.Untouched = !sent
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

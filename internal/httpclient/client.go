// Package httpclient sends small requests to a server that is reloaded, with credentials that may change
// at any time, and explains every failure.
package httpclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// Options say where the server is and how to authenticate. Files are read again for each
// request, so a rotated password, token or certificate takes effect at once.
type Options struct {
	// URL is the base of all paths, including the server's route prefix; http or https. A user name and
	// password in it are used for basic auth and never shown.
	URL string
	// Username with the contents of PasswordFile (or Password) is sent as basic auth.
	Username, PasswordFile, Password string
	// BearerTokenFile holds a token that is sent as "Authorization: Bearer".
	BearerTokenFile string
	// CAFile holds the CAs that may have signed the server's certificate; empty: the system's.
	CAFile string
	// CertFile and KeyFile are the client certificate.
	CertFile, KeyFile string
	// ServerName is what the server's certificate is verified against; empty: the URL's host.
	ServerName string
	// Address is the host and port to connect to; empty: those of the URL or of its proxy.
	Address string
}

// Client sends requests. Only one goroutine may use it.
type Client struct {
	o         Options
	base      *url.URL
	transport *http.Transport
	tlsFiles  [3][]byte // the contents that transport was made from: CA, certificate, key
	secrets   []string  // of the newest request, for Redact
}

const (
	dialTimeout = 5 * time.Second
	// maxAnswer bounds how much of an answer's body is read, maxHead its headers with those of all informational answers before
	// it, in bytes. Go's own limit is 10 MiB.
	maxAnswer, maxHead = 1 << 20, 256 << 10
	// maxSecret bounds a credential file and maxPEM a certificate file, in bytes; all public CAs together have 220 KB.
	maxSecret, maxPEM = 64 << 10, 1 << 20
)

// Answer is a server's answer.
type Answer struct {
	Status int
	Body   string
	// Date is the server's clock from its Date header, in whole seconds; zero without one.
	Date time.Time
}

// New makes a Client. It checks the URL and reads no file.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		// The error of url.Parse repeats the URL, which may hold a password.
		return nil, errors.New("parse url: not a valid URL")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("url %q: want http or https, a host and perhaps a path, as in http://127.0.0.1:9090/prefix", u.Redacted())
	}
	if u.User != nil && o.Username == "" {
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	u.User, u.Fragment = nil, ""
	return &Client{o: o, base: u}, nil
}

// URL is the address of a path below the base in a form that may be shown: without credentials and without
// the query, which may hold a key.
func (c *Client) URL(path string) string {
	u := c.address(path)
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	return u.String()
}

// address is where a request really goes; an empty path means the base as it was given.
func (c *Client) address(path string) url.URL {
	u := *c.base
	if path != "" {
		u.Path, u.RawPath = strings.TrimRight(u.Path, "/")+path, ""
	}
	return u
}

// DialAddress is the host and port that a request is sent to: the server's own, or those of the proxy that the
// environment names (HTTP_PROXY, HTTPS_PROXY, NO_PROXY). A proxy is never used for localhost and loopback
// addresses, where a sidecar's server is.
func (c *Client) DialAddress() (string, error) {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: c.base})
	if err != nil {
		return "", fmt.Errorf("find the proxy for %s: %w", c.URL(""), err)
	}
	to := c.base
	if proxy != nil {
		to = proxy
	}
	port := to.Port()
	switch {
	case port != "":
	case to.Scheme == "https":
		port = "443"
	case strings.HasPrefix(to.Scheme, "socks5"):
		port = "1080"
	default:
		port = "80"
	}
	return net.JoinHostPort(to.Hostname(), port), nil
}

// Do sends one request without a body and reads the answer, whatever its status. A failure says
// why there is no answer; its Untouched means that the request was never sent.
func (c *Client) Do(ctx context.Context, method, path string, timeout time.Duration) (Answer, *reload.Failure) {
	return c.send(ctx, method, path, "", timeout, nil)
}

func (c *Client) send(ctx context.Context, method, path, query string, timeout time.Duration, read func(io.Reader)) (Answer, *reload.Failure) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	target, shown := c.address(path), c.URL(path)
	if query != "" && target.RawQuery != "" {
		query = target.RawQuery + "&" + query
	}
	if query != "" {
		target.RawQuery = query
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), http.NoBody)
	if err != nil {
		return Answer{}, &reload.Failure{Class: reload.ClassUnexpected, Message: method + " " + shown + ": not a valid request", Untouched: true, Permanent: true}
	}
	if f := c.authorize(req); f != nil {
		return Answer{}, f
	}
	if f := c.connect(); f != nil {
		return Answer{}, f
	}
	resp, f := c.exchange(req, shown, timeout)
	if f != nil {
		return Answer{}, f
	}
	defer func() { _ = resp.Body.Close() }()
	a := Answer{Status: resp.StatusCode}
	if d, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.Date = d
	}
	if read != nil && resp.StatusCode/100 == 2 {
		read(resp.Body)
		readTail(resp.Body, cancel)
		return a, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && resp.StatusCode/100 == 2 {
		return Answer{}, c.explain(err, method+" "+shown, timeout)
	}
	a.Body = string(body)
	return a, nil
}

// Check finds mistakes in the credential and certificate files without sending a request.
func (c *Client) Check() *reload.Failure {
	if f := c.connect(); f != nil {
		return f
	}
	_, f := c.Authorization()
	return f
}

// Close closes idle connections; the client remains usable.
func (c *Client) Close() {
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
}

// authorize adds the current credentials.
func (c *Client) authorize(req *http.Request) *reload.Failure {
	c.secrets = c.secrets[:0]
	if c.o.BearerTokenFile != "" {
		token, f := c.secret(c.o.BearerTokenFile, "bearer token")
		if f != nil {
			return f
		}
		req.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
	user, password, f := c.Credentials()
	if f != nil || user == "" {
		return f
	}
	req.SetBasicAuth(user, password)
	return nil
}

// secret reads a credential file; newlines at its end come from editors and are not part of it.
func (c *Client) secret(file, what string) (string, *reload.Failure) {
	b, err := readSmall(file, maxSecret)
	if err != nil {
		return "", local("read "+what+" file", err)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", &reload.Failure{Class: reload.ClassLocal, Message: what + " file " + file + " is empty",
			Hint: "write the " + what + " into it; reloader reads it again for each request", Untouched: true, Permanent: true}
	}
	if strings.ContainsAny(s, "\r\n\x00") {
		return "", &reload.Failure{Class: reload.ClassLocal, Message: what + " file " + file + " has more than one line",
			Hint: "the file must contain the " + what + " and nothing else", Untouched: true, Permanent: true}
	}
	c.secrets = append(c.secrets, s)
	return s, nil
}

func local(what string, err error) *reload.Failure {
	f := &reload.Failure{Class: reload.ClassLocal, Message: what + ": " + err.Error(), Untouched: true, Permanent: true, Err: err}
	switch {
	case errors.Is(err, os.ErrNotExist):
		f.Hint = "mount the Secret into this container, or correct the path"
	case errors.Is(err, os.ErrPermission):
		f.Hint = "make it readable for reloader's uid or the pod's fsGroup"
	}
	return f
}

func readSmall(file string, most int64) ([]byte, error) {
	// Never os.Open: it would block forever if the file were a named pipe.
	return snapshot.ReadFile(file, snapshot.Limits{MaxFileSize: most})
}

// connect makes the transport, and a new one whenever a certificate file has changed.
func (c *Client) connect() *reload.Failure {
	var files [3][]byte
	for i, name := range []string{c.o.CAFile, c.o.CertFile, c.o.KeyFile} {
		if name == "" || c.base.Scheme != "https" {
			continue
		}
		b, err := readSmall(name, maxPEM)
		if err != nil {
			return local("read certificate file", err)
		}
		files[i] = b
	}
	if c.transport != nil && slices.EqualFunc(files[:], c.tlsFiles[:], bytes.Equal) {
		return nil
	}
	config, f := c.tlsConfig(files)
	if f != nil {
		return f
	}
	c.Close()
	c.tlsFiles = files
	c.transport = &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         Dial,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: 1,
		// No IdleConnTimeout: closing a connection here would look like a restart of the server.
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHead,
	}
	if c.o.Address != "" {
		c.transport.Proxy = nil // a proxy would choose the address itself
		c.transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) { return Dial(ctx, network, c.o.Address) }
	}
	return nil
}

func (c *Client) tlsConfig(files [3][]byte) (*tls.Config, *reload.Failure) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.o.ServerName}
	if files[0] != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(files[0]) {
			return nil, &reload.Failure{Class: reload.ClassLocal, Message: "CA file " + c.o.CAFile + " has no certificate",
				Hint: "it must be PEM: -----BEGIN CERTIFICATE-----", Untouched: true, Permanent: true}
		}
	}
	if files[1] != nil || files[2] != nil {
		pair, err := tls.X509KeyPair(files[1], files[2])
		if err != nil {
			// Not Permanent: while a Secret is rotated, the two may not match for a moment.
			return nil, &reload.Failure{Class: reload.ClassLocal, Message: "client certificate " + c.o.CertFile + " and key " + c.o.KeyFile + ": " + err.Error(), Untouched: true, Err: err}
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Redact removes credentials from a text that a server sent. Credentials of under 4 bytes occur in any text by
// chance; if one does, the whole text is hidden.
func (c *Client) Redact(text string) string {
	if q := c.base.RawQuery; q != "" {
		text = strings.ReplaceAll(text, q, "...")
	}
	for _, s := range c.secrets {
		switch {
		case len(s) >= 4:
			text = strings.ReplaceAll(text, s, "<secret>")
		case s != "" && strings.Contains(text, s):
			return "(not shown: it may contain the credentials)"
		}
	}
	return text
}

package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Where a pod finds its service account; see "Accessing the Kubernetes API from a Pod".
const accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 8 << 20 // bytes; an object in etcd is at most 1.5 MiB
)

// Client talks to the API as the pod's service account, about its own pod. It reads token and CA
// for each request, because both are rotated.
type Client struct {
	base, dir           string
	namespace, pod, uid string

	mu    sync.Mutex
	ca    []byte
	http  *http.Client
	calls map[Call]uint64
}

// Call is a kind of request with its outcome.
type Call struct {
	// Verb is get, watch, patch or create, as a Role names it.
	Verb string
	// Code is the HTTP status; 0 when no answer came.
	Code int
}

// Calls counts the requests so far; a watch counts once, when it begins.
func (c *Client) Calls() map[Call]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

func (c *Client) count(r request, code int) {
	verb := map[string]string{http.MethodGet: "get", http.MethodPatch: "patch", http.MethodPost: "create"}[r.method]
	if r.query.Has("watch") {
		verb = "watch"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[Call]uint64{}
	}
	c.calls[Call{verb, code}]++
}

// InPod makes a Client from what the kubelet gives every container. POD_NAME, POD_NAMESPACE and
// POD_UID (downward API) take precedence over the host name and the namespace file.
func InPod(getenv func(string) string) (*Client, error) {
	host, port := getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("find the Kubernetes API: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; this works in a pod only")
	}
	c := &Client{
		base: "https://" + net.JoinHostPort(host, port), dir: accountDir,
		namespace: getenv("POD_NAMESPACE"), pod: getenv("POD_NAME"), uid: getenv("POD_UID"),
	}
	return c, c.complete()
}

func (c *Client) complete() error {
	if c.namespace == "" {
		b, err := os.ReadFile(filepath.Join(c.dir, "namespace"))
		if err != nil {
			return fmt.Errorf("find the pod's namespace: POD_NAMESPACE is not set, and no service account is mounted: %w", err)
		}
		c.namespace = strings.TrimSpace(string(b))
	}
	if c.pod == "" {
		// The host name is the pod's name, cut at 63 characters, unless the pod has hostNetwork or a hostname of its own.
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("find the pod's name: POD_NAME is not set: %w", err)
		}
		c.pod = name
	}
	return nil
}

// StatusError is an answer of the API other than 2xx.
type StatusError struct {
	// Code is the HTTP status, Reason and Message what the API said.
	Code            int
	Reason, Message string
	// RetryAfter is how long the API asks clients to wait; 0 when it does not say.
	RetryAfter time.Duration `json:"-"`
}

// longestRetryAfter bounds a Retry-After header.
const longestRetryAfter = 5 * time.Minute

// retryAfter reads the header, which the API sends in seconds; 0 without a valid one.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseInt(h.Get("Retry-After"), 10, 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int64(longestRetryAfter/time.Second))) * time.Second
}

func (e *StatusError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("status %d", e.Code)
	}
	return fmt.Sprintf("status %d: %s", e.Code, e.Message)
}

// status is the HTTP status in err; 0 when there was no answer.
func status(err error) int {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Code
	}
	return 0
}

// request is one call below the namespace.
type request struct {
	method, path, contentType, accept string
	query                             url.Values
	body                              []byte
}

// start sends the request and returns the open body of a 2xx answer. Any other answer is a *StatusError.
func (c *Client) start(ctx context.Context, r request) (io.ReadCloser, error) {
	client, token, err := c.session()
	if err != nil {
		return nil, err
	}
	u := c.base + "/api/v1/namespaces/" + url.PathEscape(c.namespace) + "/" + r.path
	if len(r.query) > 0 {
		u += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("ask the API: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("User-Agent", "reloader")
	req.Header.Set("Accept", "application/json")
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	res, err := client.Do(req)
	if err != nil {
		c.count(r, 0)
		return nil, fmt.Errorf("ask the API: %w", err)
	}
	c.count(r, res.StatusCode)
	if res.StatusCode/100 == 2 {
		return res.Body, nil
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10)) // half an explanation is better than none
	e := &StatusError{}
	_ = json.Unmarshal(b, e) // proxies answer with other texts
	e.Code, e.RetryAfter = res.StatusCode, retryAfter(res.Header)
	return nil, e
}

// call sends the request and decodes the answer into out unless that is nil.
func (c *Client) call(ctx context.Context, r request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	body, err := c.start(ctx, r)
	if err != nil {
		return err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the API's answer: %w", err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read the API's answer: %w", err)
	}
	return nil
}

// session reads token and CA. A changed CA needs new connections.
func (c *Client) session() (*http.Client, string, error) {
	token, err := os.ReadFile(filepath.Join(c.dir, "token"))
	if err != nil {
		return nil, "", fmt.Errorf("read the service account's token: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(c.dir, "ca.crt"))
	if err != nil {
		return nil, "", fmt.Errorf("read the API's CA: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.http == nil || !bytes.Equal(ca, c.ca) {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(ca) {
			return nil, "", fmt.Errorf("read the API's CA: no certificate in %s", filepath.Join(c.dir, "ca.crt"))
		}
		if c.http != nil {
			c.http.CloseIdleConnections()
		}
		c.ca, c.http = ca, &http.Client{Transport: transport(pool)}
	}
	return c.http, strings.TrimSpace(string(token)), nil
}

// transport has no overall timeout because watches stay open; pings detect a dead connection.
func transport(pool *x509.CertPool) *http.Transport {
	return &http.Transport{
		TLSClientConfig:       &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: requestTimeout,
		IdleConnTimeout:       90 * time.Second,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
	}
}

// hint says in one line what the user can do. For a 403 it names the missing permission; the API's own
// message names the account.
func hint(err error, verb, resource string) string {
	switch code := status(err); {
	case code == http.StatusForbidden:
		return fmt.Sprintf("the service account may not %s %s: add it to the Role (docs/security.md)", verb, resource)
	case code == http.StatusNotFound && resource == "pods", errors.Is(err, errNotHere):
		return "POD_NAME and POD_NAMESPACE must name this pod: take them from metadata.name and metadata.namespace (downward API)"
	default:
		return ""
	}
}

package driver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/reload"
)

// api calls the API as the server admin, with basic auth, or with a session cookie where basic auth
// is off. It keeps the account from being locked: see guard.
type api struct {
	o       Options
	session string
	guard   guard
	// connections counts new connections: see life.
	connections int
}

const (
	// quickTimeout bounds every request except a reload.
	quickTimeout = 30 * time.Second
	// maxAnswer is the most that is read of an answer. The longest lists all alert rules: 10,000 of them with two
	// queries each took 12.6 MiB (measured on 12.4, /api/ruler). Dashboards come in pages of 500, of about 1 MiB.
	maxAnswer = 24 << 20
	// maxWords is the most that is read of an answer that should be a few words.
	maxWords = 1 << 20
	// lookTimeout bounds the small requests that only check the state of the server.
	lookTimeout = 5 * time.Second
)

// errTooLong says that an answer is longer than maxAnswer: asking again does not help.
var errTooLong = errors.New("the answer is too long")

func newAPI(o Options) *api {
	return &api{o: o, guard: guard{now: o.Clock}}
}

// answer is a response that was read completely.
type answer struct {
	status  int
	body    []byte
	cookies []*http.Cookie
}

// message is the server's own message. It never contains the reason for a failed reload.
func (a answer) message() (id, text string) {
	var m struct{ MessageID, Message string }
	_ = json.Unmarshal(a.body, &m)
	return m.MessageID, m.Message
}

// get reads a JSON answer into v. A status other than 200 is a *reload.Failure.
func (c *api) get(ctx context.Context, path string, header http.Header, v any) error {
	ctx, cancel := context.WithTimeout(ctx, quickTimeout)
	defer cancel()
	a, err := c.do(ctx, http.MethodGet, path, header, nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return classify("GET "+path, a)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		return notGrafanas(path)
	}
	return nil
}

// list is get for an answer that is always a list or map. JSON that leaves v nil does not come from Grafana.
func (c *api) list(ctx context.Context, path string, header http.Header, v any) error {
	if err := c.get(ctx, path, header, v); err != nil {
		return err
	}
	if reflect.ValueOf(v).Elem().IsNil() {
		return notGrafanas(path)
	}
	return nil
}

// notGrafanas is the failure for an answer of 200 that does not come from Grafana.
func notGrafanas(path string) error {
	return &reload.Failure{Class: reload.ClassUnexpected, Message: "GET " + path + ": the answer is not the JSON that Grafana sends", Hint: "check the URL"}
}

// do sends one request as the admin. After a 401 that means "basic auth is off" it signs in at
// /login. When a session has ended, it starts another one.
func (c *api) do(ctx context.Context, method, path string, header http.Header, body []byte) (answer, error) {
	user, password, failure := c.o.Client.Credentials()
	if failure != nil {
		return answer{}, failure
	}
	authorization, failure := c.o.Client.Authorization()
	if failure != nil {
		return answer{}, failure
	}
	identity := sha256.Sum256([]byte(user + "\x00" + password + "\x00" + authorization))
	if f := c.guard.allow(identity); f != nil {
		return answer{}, f
	}
	a, err := c.send(ctx, method, path, header, body, authorization)
	if err != nil {
		return a, err
	}
	if c.session != "" && (a.status == http.StatusUnauthorized || needsSession(a)) {
		c.session = "" // it has ended: try basic auth, then another session
		if a, err = c.send(ctx, method, path, header, body, authorization); err != nil {
			return a, err
		}
	}
	if c.session == "" && user != "" && needsSession(a) {
		in, err := c.login(ctx, user, password)
		switch {
		case err != nil:
			return answer{}, err
		case in.status == http.StatusUnauthorized:
			a = in // a wrong password counts here too
		case c.session != "":
			if a, err = c.send(ctx, method, path, header, body, authorization); err != nil {
				return a, err
			}
		}
	}
	c.guard.record(identity, a)
	if a.status != http.StatusOK {
		// The body of a refusal may repeat the request, including the credentials.
		a.body = []byte(c.redact(string(a.body)))
	}
	return a, nil
}

// redact removes our credentials from the text of a server or a proxy.
func (c *api) redact(text string) string {
	text = c.o.Client.Redact(text)
	if c.session != "" {
		text = strings.ReplaceAll(text, c.session, "<secret>")
	}
	return text
}

// needsSession recognizes the answer when Grafana ignored the credentials because basic auth is off:
// 401 auth.unauthorized since 10, 403 with accessErrorId in 9.
func needsSession(a answer) bool {
	switch a.status {
	case http.StatusUnauthorized:
		id, _ := a.message()
		return id == "auth.unauthorized"
	case http.StatusForbidden:
		return bytes.Contains(a.body, []byte("accessErrorId"))
	}
	return false
}

// login gets a session cookie, if the server grants one for these credentials.
func (c *api) login(ctx context.Context, user, password string) (answer, error) {
	body, err := json.Marshal(map[string]string{"user": user, "password": password})
	if err != nil {
		return answer{}, err
	}
	a, err := c.send(ctx, http.MethodPost, "/login", http.Header{"Content-Type": {"application/json"}}, body, "")
	for _, cookie := range a.cookies {
		if cookie.Name == "grafana_session" && a.status == http.StatusOK {
			c.session = cookie.Value
		}
	}
	return a, err
}

func (c *api) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	bare, query, _ := strings.Cut(path, "?")
	target := c.o.Client.URL(bare)
	if query != "" {
		target += "?" + query
	}
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, r)
	if err != nil {
		return nil, &reload.Failure{Class: reload.ClassLocal, Message: fmt.Sprintf("%s %s: %v", method, path, err), Permanent: true, Err: err}
	}
	return req, nil
}

func (c *api) send(ctx context.Context, method, path string, header http.Header, body []byte, authorization string) (answer, error) {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return answer{}, err
	}
	maps.Copy(req.Header, header)
	switch {
	case c.session != "":
		req.AddCookie(&http.Cookie{Name: "grafana_session", Value: c.session})
	case authorization != "":
		req.Header.Set("Authorization", authorization)
	}
	resp, err := c.roundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	most := int64(maxWords)
	if method == http.MethodGet && resp.StatusCode == http.StatusOK {
		most = maxAnswer
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return answer{}, httpclient.Explain(ctx, err, method+" "+path, limitOf(ctx))
	}
	if int64(len(b)) > most {
		if most == maxAnswer {
			return answer{}, &reload.Failure{Class: reload.ClassUnexpected, Untouched: true, Err: errTooLong,
				Message: fmt.Sprintf("GET %s: the answer has more than %d MiB, the most that reloader reads", path, maxAnswer>>20)}
		}
		b = b[:most]
	}
	return answer{resp.StatusCode, b, resp.Cookies()}, nil
}

// roundTrip sends a request and counts new connections.
func (c *api) roundTrip(req *http.Request) (*http.Response, error) {
	resp, f := c.o.Client.RoundTrip(req, limitOf(req.Context()), func() { c.connections++ })
	if f != nil {
		return nil, f
	}
	return resp, nil
}

// limitOf is how long a request may take, for messages.
func limitOf(ctx context.Context) time.Duration {
	if at, ok := ctx.Deadline(); ok {
		return max(0, time.Until(at)).Round(time.Second)
	}
	return 0
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/status"
)

// maxReport bounds what is read of another reloader's answer.
const maxReport = 64 << 20

// remote asks a running reloader for what it knows.
type remote struct {
	name   string // the address, where one URL means several reloaders
	base   string
	client *http.Client
	// identify adds the password, where one was given.
	identify func(*http.Request)
}

// newRemote checks the base URL. Its text is not repeated in errors: it may hold a password.
func newRemote(base string, c connection) (*remote, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("--url: not a URL like http://127.0.0.1:9533")
	}
	client, identify, err := c.client()
	if err != nil {
		return nil, err
	}
	return &remote{base: strings.TrimSuffix(base, "/"), client: client, identify: identify}, nil
}

func (r *remote) report(ctx context.Context) (status.Report, error) {
	return ask[status.Report](ctx, r, "status")
}

// fresh is the report after every target in sync has compared what its server runs with the files.
func (r *remote) fresh(ctx context.Context) (status.Report, error) {
	return ask[status.Report](ctx, r, "status?look")
}

// ask gets one of the things that the API has under its name.
func ask[T any](ctx context.Context, r *remote, name string) (T, error) {
	var none T
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/api/v1/"+name, nil)
	name, _, _ = strings.Cut(name, "?")
	if err != nil {
		return none, err
	}
	r.identify(req)
	resp, err := r.client.Do(req)
	if err != nil {
		// url.Error shows passwords as xxxxx.
		return none, fmt.Errorf("ask for the %s: %w", name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return none, fmt.Errorf("ask for the %s: %s; is this the address of a reloader?", name, finding.OneLine(resp.Status))
	}
	return readAnswer[T](resp.Body, name)
}

func readAnswer[T any](body io.Reader, name string) (T, error) {
	var answer, none T
	if err := json.NewDecoder(io.LimitReader(body, maxReport)).Decode(&answer); err != nil {
		return none, fmt.Errorf("read the %s: %w; is this the address of a reloader?", name, err)
	}
	return answer, nil
}

// live says that the target was proven to run its newest files.
func live(s reload.Status) bool {
	return s.Phase == reload.InSync && s.Applied && !s.Wanted.IsZero() && s.Running == s.Wanted && len(s.Differences) == 0
}

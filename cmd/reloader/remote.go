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
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/status"
)

// maxReport bounds what is read of another reloader's answer.
const maxReport = 64 << 20

// remote asks a running reloader for what it knows.
type remote struct {
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

// ask gets one of the things that the API has under its name.
func ask[T any](ctx context.Context, r *remote, name string) (T, error) {
	var none T
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/api/v1/"+name, nil)
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
	return s.Phase == reload.InSync && s.Applied && !s.Wanted.IsZero() && s.Running == s.Wanted
}

// printStatus writes one target as text.
func printStatus(w io.Writer, s reload.Status, now time.Time) {
	fmt.Fprintf(w, "%s: %s for %s, wanted %s, running %s\n",
		finding.AtStart(s.Target), finding.OneLine(string(s.Phase)), now.Sub(s.Since).Round(time.Second), s.Wanted.Short(), s.Running.Short())
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %s\n", finding.AtStart(label+text))
		}
	}
	line("", s.Reason)
	if f := s.Failure; f != nil && f.Message != s.Reason {
		line("", f.Message)
		line("hint: ", f.Hint)
	}
	printFindings(w, "  ", s.Findings)
	for _, v := range s.RestartRequired {
		line("only a restart brings: ", v)
	}
	for _, v := range s.Differences {
		line("differs: ", v)
	}
}

// printFindings writes one line for each finding and one for its hint.
func printFindings(w io.Writer, indent string, findings []finding.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%s%s\n", indent, f)
		if f.Hint != "" {
			fmt.Fprintf(w, "%s  hint: %s\n", indent, finding.OneLine(f.Hint))
		}
	}
}

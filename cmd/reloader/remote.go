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

	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/internal/status"
)

// maxReport is the largest answer that is read, in bytes.
const maxReport = 64 << 20

// askTimeout limits one request, including one that waits until every target has asked its server.
const askTimeout = 10 * time.Second

// remote is a running reloader.
type remote struct {
	name string // the address, if one URL stands for several reloaders
	base string
	o    httpclient.Options
	c    *httpclient.Client
}

// registerClient adds the flags that say how to reach a reloader whose port is protected by --web-config-file.
func registerClient(fs *flagSet, o *httpclient.Options) {
	fs.StringVar(&o.CAFile, "ca-file", "", "`FILE` with the CA that signed reloader's certificate")
	fs.StringVar(&o.CertFile, "cert-file", "", "`FILE` with the client certificate")
	fs.StringVar(&o.KeyFile, "key-file", "", "`FILE` with the client certificate's key")
	fs.StringVar(&o.ServerName, "server-name", "", "`NAME` to expect in reloader's certificate")
	fs.StringVar(&o.Username, "username", "", "user `NAME` for basic auth")
	fs.StringVar(&o.PasswordFile, "password-file", "", "`FILE` with the password")
}

// newRemote checks the base URL and the files. Errors do not repeat the URL: it may contain a password.
func newRemote(base string, o httpclient.Options) (*remote, error) {
	o.URL = strings.TrimSuffix(base, "/")
	c, err := httpclient.New(o)
	switch {
	case err != nil:
		return nil, errors.New("--url: not a URL like http://127.0.0.1:9533")
	case (o.CertFile == "") != (o.KeyFile == ""):
		return nil, errors.New("give both --cert-file and --key-file")
	case (o.Username == "") != (o.PasswordFile == ""):
		return nil, errors.New("give both --username and --password-file")
	}
	if f := c.Check(); f != nil {
		return nil, f
	}
	return &remote{base: o.URL, o: o, c: c}, nil
}

func (r *remote) report(ctx context.Context) (status.Report, error) {
	return ask[status.Report](ctx, r, "status", nil)
}

// fresh is report, but first every target in sync compares what its server runs with the files.
func (r *remote) fresh(ctx context.Context) (status.Report, error) {
	return ask[status.Report](ctx, r, "status", url.Values{"look": {""}})
}

// ask gets /api/v1/NAME.
func ask[T any](ctx context.Context, r *remote, name string, query url.Values) (answer T, err error) {
	path := "/api/v1/" + name
	a, f, err := r.c.Stream(ctx, path, query, askTimeout, maxReport, func(body io.Reader) (err error) {
		answer, err = readAnswer[T](body, name)
		return err
	})
	if f != nil {
		return answer, fmt.Errorf("ask for the %s: %w", name, f)
	}
	if f := r.c.Classify(http.MethodGet, path, a); f != nil {
		return answer, fmt.Errorf("ask for the %s: %w; is this the address of a reloader?", name, f)
	}
	return answer, err
}

func readAnswer[T any](body io.Reader, name string) (T, error) {
	var answer, none T
	if err := json.NewDecoder(body).Decode(&answer); err != nil {
		return none, fmt.Errorf("read the %s: %w; is this the address of a reloader?", name, err)
	}
	return answer, nil
}

// live reports whether the target was proven to run its newest files.
func live(s reload.Status) bool {
	return s.Phase == reload.InSync && s.Applied && !s.Wanted.IsZero() && s.Running == s.Wanted && len(s.Differences) == 0
}

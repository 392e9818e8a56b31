package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"reloader/internal/httpclient"
)

// TLS and basic auth work with the files that the flags name, and fail without them. A redirect is not followed: it would carry
// the password elsewhere.
func TestProtectedRemote(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	redirect := false
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch user, password, _ := r.BasicAuth(); {
		case user != "ann" || password != "secret":
			w.WriteHeader(http.StatusUnauthorized)
		case redirect:
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		default:
			_, _ = w.Write([]byte(`{"version": "v"}`))
		}
	}))
	defer srv.Close()
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	ca := write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	right, wrong := write("right", []byte("secret\n")), write("wrong", []byte("other"))
	for _, c := range []struct {
		o  httpclient.Options
		ok bool
	}{
		{httpclient.Options{CAFile: ca, Username: "ann", PasswordFile: right}, true},
		{httpclient.Options{CAFile: ca, Username: "ann", PasswordFile: wrong}, false},
		{httpclient.Options{CAFile: ca}, false},
		{httpclient.Options{Username: "ann", PasswordFile: right}, false},
	} {
		r, err := newRemote(srv.URL, c.o)
		if err != nil {
			t.Fatal(err)
		}
		if report, err := r.report(t.Context()); (err == nil && report.Version == "v") != c.ok {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
	redirect = true
	r, err := newRemote(srv.URL, httpclient.Options{CAFile: ca, Username: "ann", PasswordFile: right})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.report(t.Context()); err == nil {
		t.Error("a redirect was followed")
	}
	for _, half := range []httpclient.Options{{Username: "ann"}, {CertFile: ca}, {CAFile: right}, {CAFile: filepath.Join(dir, "none")}, {PasswordFile: right}} {
		if _, err := newRemote(srv.URL, half); err == nil {
			t.Errorf("%+v was accepted", half)
		}
	}
}

package driver_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/prometheustest"
)

// The server's own words about an expression are reported, also with a route prefix and a password.
func TestRefuses(t *testing.T) {
	t.Parallel()
	both(t, "prefix and password", options{prefix: "/prom", password: true}, func(t *testing.T, s server) {
		d := newDriver(t, httpclient.Options{URL: s.url, Username: "admin", Password: "right"})
		ask := observe(t, d).Facts.Refuses
		for expr, want := range map[string]string{
			"up":                    "",
			"rate(x[5m] smoothed)":  "",
			`x{a="&b=c#d%20 +é"}`:   "",
			"up ==":                 "unexpected end of input",
			"nonsense_function(up)": "unknown function",
		} {
			words, err := ask(t.Context(), expr)
			if err != nil || want == "" && words != "" || !strings.Contains(words, want) || strings.Contains(words, "invalid parameter") {
				t.Errorf("%q: %q, %v; want %q", expr, words, err, want)
			}
		}
	})
}

// An answer that is not a verdict is an error: it never counts as accepting the expression. An older server is asked in its own
// way, and an agent is not asked.
func TestRefusesIsUnknown(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"not found": http.StatusNotFound, "denied": http.StatusForbidden, "broken": http.StatusInternalServerError, "not its own 400": http.StatusBadRequest} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := prometheustest.New(t, prometheustest.Options{})
			fake.Deny("/api/v1/parse_query", status)
			fake.Deny("/api/v1/format_query", status)
			ask := observe(t, newDriver(t, httpclient.Options{URL: fake.URL()})).Facts.Refuses
			if words, err := ask(t.Context(), "up"); err == nil {
				t.Errorf("got %q", words)
			}
		})
	}
	t.Run("an older server has only format_query", func(t *testing.T) {
		t.Parallel()
		fake := prometheustest.New(t, prometheustest.Options{Refuse: refusal})
		fake.Deny("/api/v1/parse_query", http.StatusNotFound)
		ask := observe(t, newDriver(t, httpclient.Options{URL: fake.URL()})).Facts.Refuses
		if words, err := ask(t.Context(), "up =="); err != nil || words == "" {
			t.Errorf("got %q, %v", words, err)
		}
	})
	t.Run("an agent has no queries", func(t *testing.T) {
		t.Parallel()
		fake := prometheustest.New(t, prometheustest.Options{Flags: map[string]string{"agent": "true"}})
		if observe(t, newDriver(t, httpclient.Options{URL: fake.URL()})).Facts.Refuses != nil {
			t.Error("an agent would be asked")
		}
	})
}

// If the server, or a proxy in front of it, repeats the password in its answer, it is removed. A long answer is cut.
func TestRefusesShowsNoPassword(t *testing.T) {
	t.Parallel()
	fake := prometheustest.New(t, prometheustest.Options{Refuse: func(string) string { return "user admin with hunter22: " + strings.Repeat("x", 100_000) }})
	ask := observe(t, newDriver(t, httpclient.Options{URL: fake.URL(), Username: "admin", Password: "hunter22"})).Facts.Refuses
	words, err := ask(t.Context(), "up")
	if err != nil || words == "" || strings.Contains(words, "hunter22") || len(words) > 10_000 {
		t.Errorf("%d bytes, %v: %.100s", len(words), err, words)
	}
}

// refusal is what the fake says about an expression: the words of the real server, or nothing if it is valid.
func refusal(expr string) string {
	switch {
	case strings.HasSuffix(expr, "=="):
		return "1:6: parse error: unexpected end of input"
	case strings.HasPrefix(expr, "nonsense_function"):
		return `1:1: parse error: unknown function with name "nonsense_function"`
	}
	return ""
}

// All questions of a validation use one connection. Two validators that ask at the same time do not wait for each other.
func TestRefusesUsesOneConnection(t *testing.T) {
	t.Parallel()
	fake := prometheustest.New(t, prometheustest.Options{})
	u, err := url.Parse(fake.URL())
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(u)
	var connections atomic.Int64
	var meet atomic.Pointer[sync.WaitGroup] // when set, each request waits for the other
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if both := meet.Load(); both != nil {
			both.Done()
			both.Wait()
		}
		forward.ServeHTTP(w, r)
	}))
	proxy.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	proxy.Start()
	t.Cleanup(proxy.Close)
	ask := observe(t, newDriver(t, httpclient.Options{URL: proxy.URL})).Facts.Refuses
	before := connections.Load()
	for range 20 {
		if _, err := ask(t.Context(), "up"); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load() - before; n != 1 {
		t.Errorf("%d connections for 20 questions", n)
	}
	var both, wg sync.WaitGroup
	both.Add(2)
	meet.Store(&both)
	for range 2 {
		wg.Go(func() {
			if _, err := ask(t.Context(), "up"); err != nil {
				t.Errorf("one waits for the other: %v", err)
			}
		})
	}
	wg.Wait()
}

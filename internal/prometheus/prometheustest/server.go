// Package prometheustest is a fake Prometheus for tests of reloading, which misbehaves on demand.
// A contract test compares it with the real one.
package prometheustest

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reloader/test/rig"
)

// Options describe the server.
type Options struct {
	// Files returns what the server reads when it loads.
	Files func() string
	// Load returns the error of loading what was read. Nil: everything loads.
	Load func(text string) error
	// Apply returns an error if a part of what was loaded cannot be applied. Nil: everything is applied.
	Apply func(text string) error
	// Prefix is --web.route-prefix, for example "/prom".
	Prefix string
	// NoLifecycle leaves --web.enable-lifecycle out.
	NoLifecycle bool
	// Username and Password are the basic auth of --web.config.file; empty: none.
	Username, Password string
	// TLS makes it speak HTTPS with this configuration.
	TLS *tls.Config
	// Version is the version in buildinfo; default 3.16.0.
	Version string
	// Flags are additional flags, by name without dashes.
	Flags map[string]string
	// Show returns what a server shows when it runs the text. Nil: the text as its configuration, no jobs and no rules.
	Show func(text string) Shown
	// Refuse returns the error about an expression; empty: it is valid. Nil: all are.
	Refuse func(expression string) string
}

// Shown is what the API shows about a configuration.
type Shown struct {
	// YAML is the configuration as it is printed.
	YAML string
	// Pools are the scrape pools.
	Pools []string
	// Groups are the rule groups, in the order of the API: by file and name.
	Groups []Group
}

// Group is a rule group as in /api/v1/rules.
type Group struct {
	Name     string  `json:"name"`
	File     string  `json:"file"`
	Rules    []Rule  `json:"rules"`
	Interval float64 `json:"interval"`
	Limit    int     `json:"limit"`
}

// Rule is a recording rule: the fake has no alerts.
type Rule struct {
	Name   string            `json:"name"`
	Query  string            `json:"query"`
	Labels map[string]string `json:"labels"`
	Health string            `json:"health"`
	Type   string            `json:"type"`
}

// Server is the fake. Its methods may be called at any time from any goroutine.
type Server struct {
	o       Options
	address string
	loads   chan chan error // requests to the one loop that loads, as in the real server
	done    chan struct{}

	mu         sync.Mutex
	http       *httptest.Server
	ready      bool
	start      time.Time
	lastConfig time.Time
	success    bool
	runs       string
	requests   []string // reload requests, as "POST /-/reload"
	loaded     []string
	fail       []int
	cut        int
	hang       chan struct{}
	takes      time.Duration
	lie        bool
	deny       map[string]int
	clock      time.Duration // how far its clock is ahead of this machine's
}

// New starts a server, which loads its files at once. It ends with the test.
func New(tb testing.TB, o Options) *Server {
	tb.Helper()
	o.Version = cmp.Or(o.Version, "3.16.0")
	if o.Show == nil {
		o.Show = func(text string) Shown { return Shown{YAML: text} }
	}
	if o.Refuse == nil {
		o.Refuse = func(string) string { return "" }
	}
	if o.Files == nil {
		o.Files = func() string { return "" }
	}
	s := &Server{o: o, address: rig.FreeAddress(tb), loads: make(chan chan error), done: make(chan struct{})}
	go s.loop()
	s.Start(tb)
	tb.Cleanup(func() {
		s.Release()
		s.Stop()
		close(s.done)
	})
	return s
}

// Start starts a stopped server at its previous address.
func (s *Server) Start(tb testing.TB) {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", s.address)
	if err != nil {
		tb.Fatalf("start the fake Prometheus: %v", err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	_ = srv.Listener.Close()
	srv.Listener = listener
	srv.Config.ErrorLog = nil
	text := s.o.Files()
	s.mu.Lock()
	s.start = s.now()
	s.ready, s.success, s.lastConfig, s.runs = true, true, s.now(), text
	s.http = srv
	s.mu.Unlock()
	if s.o.TLS != nil {
		srv.TLS = s.o.TLS
		srv.StartTLS()
		return
	}
	srv.Start()
}

// Stop ends the server's process: connections are cut, the port is closed.
func (s *Server) Stop() {
	s.mu.Lock()
	srv := s.http
	s.http = nil
	s.mu.Unlock()
	if srv != nil {
		srv.CloseClientConnections()
		srv.Close()
	}
}

// URL is the base URL, with the prefix.
func (s *Server) URL() string {
	scheme := "http"
	if s.o.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + s.address + s.o.Prefix
}

func (s *Server) set(change func()) { s.mu.Lock(); defer s.mu.Unlock(); change() }

// SetReady sets whether the server is ready or still replays its WAL.
func (s *Server) SetReady(ready bool) { s.set(func() { s.ready = ready }) }

// FailNext answers the next reloads with these statuses, without loading anything.
func (s *Server) FailNext(statuses ...int) { s.set(func() { s.fail = statuses }) }

// CutNext makes the next n reloads load and then cut the connection before the answer.
func (s *Server) CutNext(n int) { s.set(func() { s.cut = n }) }

// Hang makes loads wait until Release. Then they finish, even if no client waits for them.
func (s *Server) Hang() { s.set(func() { s.hang = make(chan struct{}) }) }

// Release ends Hang.
func (s *Server) Release() {
	s.set(func() {
		if s.hang != nil {
			close(s.hang)
			s.hang = nil
		}
	})
}

// SlowBy makes each load take that long.
func (s *Server) SlowBy(d time.Duration) { s.set(func() { s.takes = d }) }

// Lie makes the server answer reload requests with 200 and load nothing.
func (s *Server) Lie(on bool) { s.set(func() { s.lie = on }) }

// Deny makes a path of the API answer with this status, as a proxy may. Status 0 ends it.
func (s *Server) Deny(path string, status int) {
	s.set(func() {
		if s.deny == nil {
			s.deny = map[string]int{}
		}
		s.deny[path] = status
	})
}

// Run makes the server run a text, as if someone else had made it load a file.
func (s *Server) Run(text string) {
	s.set(func() { s.runs, s.success, s.lastConfig = text, true, s.now() })
}

// SetPassword changes the password that the server requires.
func (s *Server) SetPassword(p string) { s.set(func() { s.o.Password = p }) }

// Runs is the text that the server runs.
func (s *Server) Runs() string { s.mu.Lock(); defer s.mu.Unlock(); return s.runs }

// Requests are the reload requests that arrived, as "METHOD PATH".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Loads are the texts of all reloads so far, successful or not.
func (s *Server) Loads() []string { s.mu.Lock(); defer s.mu.Unlock(); return slices.Clone(s.loaded) }

// loop does one load after another, even if no client waits for the answer.
func (s *Server) loop() {
	for {
		select {
		case <-s.done:
			return
		case answer := <-s.loads:
			answer <- s.load()
		}
	}
}

func (s *Server) load() error {
	text := s.o.Files() // at the beginning, as the real server does
	s.mu.Lock()
	hang, takes := s.hang, s.takes
	s.mu.Unlock()
	if hang != nil {
		<-hang
	}
	time.Sleep(takes)
	var err error
	applied := true
	if s.o.Load != nil {
		if err = s.o.Load(text); err != nil {
			err = fmt.Errorf("couldn't load configuration (--config.file=%q): %w", "/etc/prometheus/prometheus.yml", err)
			applied = false
		}
	}
	if err == nil && s.o.Apply != nil && s.o.Apply(text) != nil {
		err = fmt.Errorf("one or more errors occurred while applying the new configuration (--config.file=%q)", "/etc/prometheus/prometheus.yml")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded = append(s.loaded, text)
	if applied {
		s.runs = text
	}
	s.success = err == nil
	if err == nil {
		s.lastConfig = s.now()
	}
	return err
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	user, password, ready := s.o.Username, s.o.Password, s.ready
	s.mu.Unlock()
	if user != "" {
		u, p, ok := r.BasicAuth()
		if !ok || u != user || p != password {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
	}
	path, ok := strings.CutPrefix(r.URL.Path, s.o.Prefix)
	if !ok {
		http.NotFound(w, r)
		return
	}
	switch {
	case path == "/-/reload":
		s.serveReload(w, r)
	case path == "/-/ready" || strings.HasPrefix(path, "/api/v1/"):
		if !ready {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprint(w, "Service Unavailable")
			return
		}
		s.serveStatus(w, r, path)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) serveReload(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		http.Error(w, "Only POST or PUT requests allowed", http.StatusMethodNotAllowed)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	status, cut, lie := 0, s.cut > 0, s.lie
	if len(s.fail) > 0 {
		status, s.fail = s.fail[0], s.fail[1:]
	}
	if cut {
		s.cut--
	}
	s.mu.Unlock()
	switch {
	case s.o.NoLifecycle:
		http.Error(w, "Lifecycle API is not enabled.", http.StatusForbidden)
		return
	case status != 0:
		http.Error(w, http.StatusText(status), status)
		return
	case lie:
		return
	}
	answer := make(chan error, 1)
	s.loads <- answer
	err := <-answer
	if cut {
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("failed to reload config: %s", err), http.StatusInternalServerError)
	}
}

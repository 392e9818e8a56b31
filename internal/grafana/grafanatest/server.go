// Package grafanatest is a Grafana for tests: its provisioning and the parts of its HTTP API that
// a reloader meets, with the faults that the real one shows. Contract tests hold it against a real server.
package grafanatest

import (
	"context"
	"net/http/httptest"
	"sync"
	"time"

	"reloader/internal/grafana"
)

// Options describe the server that New makes.
type Options struct {
	// Version is what /api/health reports; it selects the behaviour. Default 12.4.0.
	Version string
	// Provisioning is the directory that holds datasources/, dashboards/ and the other kinds.
	Provisioning string
	// Ini is the text of the settings that /api/admin/settings reports, as section -> key -> value.
	Ini map[string]map[string]string
	// User and Password are the server admin's; default admin and admin.
	User, Password string
	// Token is a bearer token that may do everything, as one of Grafana Enterprise can.
	Token string
	// NoBasicAuth is [auth.basic] enabled = false: only a session cookie signs in.
	NoBasicAuth bool
	// LockOut is how long a locked-out user stays locked; default 5 minutes, as in the real one.
	LockOut time.Duration
	// PerEntry is how long each entry takes to write.
	PerEntry time.Duration
	// Organizations that exist; default 1.
	Organizations []int64
	// Plugins that are installed.
	Plugins []string
}

// Faults change what the server does from now on; the zero value is a healthy server.
type Faults struct {
	// Locked makes that many reloads answer 500, as a passing "database is locked" does.
	Locked int
	// NoDatabase makes everything but the health answer as while another process holds the database locked.
	NoDatabase bool
	// Ignore makes reloads answer 200 and do nothing.
	Ignore bool
	// Hang makes reloads wait until the client goes away or the fault is lifted.
	Hang bool
	// Reset cuts the connection of that many reloads.
	Reset int
	// NoMetrics makes /metrics answer 404, as where it is switched off.
	NoMetrics bool
	// Refuse answers requests itself, as a proxy in front or a missing permission does.
	Refuse Refusal
	// Down makes every connection fail, as while the process restarts.
	Down bool
}

// Refusal answers requests below a path with a status and a text, to which it adds the request's credentials.
type Refusal struct {
	Path, Method, Body string
	Status             int
}

// Server is a running fake Grafana.
type Server struct {
	URL string

	opts Options
	http *httptest.Server

	mu       sync.Mutex
	faults   Faults
	lifted   chan struct{}
	state    state
	calls    []Call
	inFlight int
	overlap  bool
	failures map[string][]time.Time
	password string
	sessions map[string]bool
	people   sync.RWMutex
	users    map[string]*user  // but the server admin, by login; people guards it
	signedIn map[string]string // the login of each session
	closed   map[string]bool   // folders, by uid, that viewers may not open
	settings map[string]map[string]string
	started  time.Time
	clock    time.Duration  // how far its clock is ahead
	answered map[string]int // reload requests of this life, by kind
	onReload func(kind string)
	running  sync.Mutex // one reload at a time, as the real one's lock
}

// Call is one request that reached a reload route.
type Call struct {
	Kind   string
	Status int
	// Cancelled says that the client went away before the work was done.
	Cancelled bool
	At        time.Time
}

// New starts a server on a loopback port and provisions it as a start does. Close ends it.
func New(opts Options) *Server {
	if opts.Version == "" {
		opts.Version = "12.4.0"
	}
	if opts.User == "" {
		opts.User = "admin"
	}
	if opts.Password == "" {
		opts.Password = "admin"
	}
	if opts.LockOut == 0 {
		opts.LockOut = 5 * time.Minute
	}
	if len(opts.Organizations) == 0 {
		opts.Organizations = []int64{1}
	}
	s := &Server{
		opts: opts, failures: map[string][]time.Time{}, sessions: map[string]bool{}, users: map[string]*user{}, signedIn: map[string]string{}, closed: map[string]bool{},
		password: opts.Password, lifted: make(chan struct{}), settings: opts.Ini, started: time.Now(),
		answered: map[string]int{},
	}
	s.state = newState()
	for _, kind := range kindOrder {
		// A bad file ends the real process; here the object just stays missing, and the reload says 500.
		_ = s.provision(context.Background(), kind)
	}
	s.http = httptest.NewServer(s.routes())
	s.URL = s.http.URL
	return s
}

// Close ends the server and its connections.
func (s *Server) Close() {
	s.SetFaults(Faults{})
	s.http.CloseClientConnections()
	s.http.Close()
}

// SetFaults replaces the faults; requests that hang go on.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	close(s.lifted)
	s.lifted = make(chan struct{})
}

// SetClock makes the server's clock, and the start that it tells, which is counted back from it, run that far ahead of
// this machine's; behind when it is negative.
func (s *Server) SetClock(ahead time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = ahead
}

// SetPassword changes the admin's password, as an operator does in the user interface.
func (s *Server) SetPassword(p string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = p
}

// SetIni replaces the running settings, as a restart with a new grafana.ini does.
func (s *Server) SetIni(ini map[string]map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = ini
}

// Restart provisions everything again, as a new process does; connections and sessions are lost.
func (s *Server) Restart() error {
	s.mu.Lock()
	s.sessions, s.answered = map[string]bool{}, map[string]int{}
	// No two processes of a real one start within so short a time.
	s.started = later(time.Now(), s.started.Add(5*time.Second))
	s.mu.Unlock()
	s.http.CloseClientConnections()
	for _, kind := range kindOrder {
		if err := s.provision(context.Background(), kind); err != nil {
			return err
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// RestartQuietly is Restart behind a proxy that keeps its connections.
func (s *Server) RestartQuietly() error {
	s.mu.Lock()
	s.answered, s.started = map[string]int{}, later(time.Now(), s.started.Add(5*time.Second))
	s.mu.Unlock()
	for _, kind := range kindOrder {
		if err := s.provision(context.Background(), kind); err != nil {
			return err
		}
	}
	return nil
}

// Calls are the reload requests so far, in order of their end.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// OnReload calls f at the arrival of each reload request.
func (s *Server) OnReload(f func(kind string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onReload = f
}

// Overlapped reports whether two reloads were ever in flight at once.
func (s *Server) Overlapped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overlap
}

// Failures counts the recorded failed sign-ins of a user.
func (s *Server) Failures(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.failures[user])
}

// newer reports whether the server's version is at least major.minor.
func (s *Server) newer(major, minor int) bool {
	return grafana.ParseVersion(s.opts.Version).AtLeast(grafana.Version{Major: major, Minor: minor})
}

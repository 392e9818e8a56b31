// Package grafanatest is a fake Grafana for tests: its provisioning and the parts of its HTTP API that
// reloader uses, with the faults of the real one. Contract tests compare it with a real server.
package grafanatest

import (
	"cmp"
	"context"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"reloader/internal/grafana"
)

// Options describe the server that New makes.
type Options struct {
	// Version is what /api/health reports, and how the server behaves. Default 12.4.0.
	Version string
	// Provisioning is the directory with datasources/, dashboards/ and the other kinds.
	Provisioning string
	// Ini has the settings that /api/admin/settings reports: section -> key -> value.
	Ini map[string]map[string]string
	// User and Password are the server admin's; default admin and admin.
	User, Password string
	// Token is a bearer token that may do everything, as a token of Grafana Enterprise can.
	Token string
	// NoBasicAuth is [auth.basic] enabled = false: only a session cookie or a token is accepted.
	NoBasicAuth bool
	// LockOut is how long a user stays locked out; default 5 minutes, as in the real one.
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
	// Locked makes that many reloads answer 500, as a temporary "database is locked" does.
	Locked int
	// NoDatabase makes all but health and metrics answer as they do while another process has locked the database.
	NoDatabase bool
	// Ignore makes reloads answer 200 and do nothing.
	Ignore bool
	// Hang makes reloads wait until the client goes away or the fault is lifted.
	Hang bool
	// Reset cuts the connection of that many reloads.
	Reset int
	// NoMetrics makes /metrics answer 404, as if metrics were switched off.
	NoMetrics bool
	// Refuse answers requests itself, as a proxy in front of Grafana or a missing permission does.
	Refuse Refusal
	// Down makes every request fail, as while the process restarts.
	Down bool
}

// Refusal answers requests below a path with a status and a body, to which it appends the request's credentials.
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
	users    map[string]*user  // by login, without the server admin; guarded by people
	signedIn map[string]string // the login of each session
	closed   map[string]bool   // folders, by uid, that viewers may not open
	settings map[string]map[string]string
	started  time.Time
	clock    time.Duration  // how far the server's clock is ahead
	answered map[string]int // reload requests since the last start, by kind
	onReload func(kind string)
	running  sync.Mutex // allows one reload at a time, as a lock of the real one does
}

// Call is one request that reached a reload route.
type Call struct {
	Kind   string
	Status int
	// Cancelled says that the client went away before the work was done.
	Cancelled bool
}

// New starts a server on a loopback port, and provisions as the real one does when it starts. Close ends it.
func New(opts Options) *Server {
	opts.Version = cmp.Or(opts.Version, "12.4.0")
	opts.User, opts.Password = cmp.Or(opts.User, "admin"), cmp.Or(opts.Password, "admin")
	opts.LockOut = cmp.Or(opts.LockOut, 5*time.Minute)
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
		// A bad file ends the real process. Here its objects are just missing, and reloads answer 500.
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

// SetFaults replaces the faults; requests that hang continue.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	close(s.lifted)
	s.lifted = make(chan struct{})
}

// SetClock sets the server's clock, and with it the start time that it reports, ahead of this machine's clock; behind it if
// negative.
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
func (s *Server) Restart() error { return s.restart(false) }

// RestartQuietly is Restart behind a proxy, which keeps its connections; sessions are kept too.
func (s *Server) RestartQuietly() error { return s.restart(true) }

func (s *Server) restart(quietly bool) error {
	s.mu.Lock()
	s.answered = map[string]int{}
	// Two starts of a real server are never as close together as they are here.
	if s.started = s.started.Add(5 * time.Second); s.started.Before(time.Now()) {
		s.started = time.Now()
	}
	if !quietly {
		s.sessions = map[string]bool{}
	}
	s.mu.Unlock()
	if !quietly {
		s.http.CloseClientConnections()
	}
	for _, kind := range kindOrder {
		if err := s.provision(context.Background(), kind); err != nil {
			return err
		}
	}
	return nil
}

// Calls returns the reload requests so far, in the order in which they ended.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// OnReload makes the server call f when a reload request arrives.
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

// Failures returns the number of recorded failed sign-ins of a user.
func (s *Server) Failures(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.failures[user])
}

// hasOrg reports whether an organization exists.
func (s *Server) hasOrg(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.opts.Organizations, id)
}

// newer reports whether the server's version is at least major.minor.
func (s *Server) newer(major, minor int) bool {
	return grafana.ParseVersion(s.opts.Version).AtLeast(grafana.Version{Major: major, Minor: minor})
}

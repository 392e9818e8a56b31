// Package grafanatest is a Grafana for tests: its provisioning and the parts of its HTTP API that
// a reloader meets, with the faults that the real one shows. Contract tests hold it against a real server.
package grafanatest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
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
	// Ignore makes reloads answer 200 and do nothing.
	Ignore bool
	// Hang makes reloads wait until the client goes away or the fault is lifted.
	Hang bool
	// Reset cuts the connection of that many reloads.
	Reset int
	// Down makes every connection fail, as while the process restarts.
	Down bool
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
	settings map[string]map[string]string
	started  time.Time
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
		opts: opts, failures: map[string][]time.Time{}, sessions: map[string]bool{},
		password: opts.Password, lifted: make(chan struct{}), settings: opts.Ini, started: time.Now(),
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
	s.sessions, s.started = map[string]bool{}, time.Now()
	s.mu.Unlock()
	s.http.CloseClientConnections()
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
func (s *Server) newer(major, minor int) bool { return atLeast(s.opts.Version, major, minor) }

func atLeast(version string, major, minor int) bool {
	var have [2]int
	for i, part := range strings.SplitN(version, ".", 3) {
		if i > 1 {
			break
		}
		for _, c := range part {
			if c < '0' || c > '9' {
				break
			}
			have[i] = have[i]*10 + int(c-'0')
		}
	}
	return have[0] > major || have[0] == major && have[1] >= minor
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	kind := r.PathValue("kind")
	if !s.hasKind(kind) {
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "Not found"})
		return
	}
	s.mu.Lock()
	s.inFlight++
	if s.inFlight > 1 {
		s.overlap = true
	}
	f, lifted, onReload := s.faults, s.lifted, s.onReload
	if s.faults.Locked > 0 {
		s.faults.Locked--
	}
	if s.faults.Reset > 0 {
		s.faults.Reset--
	}
	s.mu.Unlock()
	if onReload != nil {
		onReload(kind)
	}
	status := s.doReload(r, kind, f, lifted)
	s.mu.Lock()
	s.inFlight--
	s.calls = append(s.calls, Call{Kind: kind, Status: status, Cancelled: r.Context().Err() != nil, At: time.Now()})
	s.mu.Unlock()
	switch status {
	case 0:
		panic(http.ErrAbortHandler)
	case http.StatusOK:
		writeJSON(w, status, map[string]string{"message": strings.ToUpper(kind[:1]) + kind[1:] + " config reloaded"})
	default:
		message := "Internal Server Error"
		if kind == "plugins" {
			message = "Failed to reload plugins config"
		}
		writeJSON(w, status, map[string]string{"message": message})
	}
}

func (s *Server) doReload(r *http.Request, kind string, f Faults, lifted chan struct{}) int {
	switch {
	case f.Reset > 0:
		return 0
	case f.Locked > 0:
		return http.StatusInternalServerError
	case f.Ignore:
		return http.StatusOK
	case f.Hang:
		select {
		case <-r.Context().Done():
			return http.StatusInternalServerError
		case <-lifted:
		}
	}
	s.running.Lock()
	defer s.running.Unlock()
	ctx := r.Context()
	if !s.newer(8, 0) {
		ctx = context.WithoutCancel(ctx) // 7.5.5 goes on when the client went away
	}
	if err := s.provision(ctx, kind); err != nil {
		if kind == "dashboards" && ctx.Err() != nil {
			return http.StatusOK // a cancelled dashboards reload is answered as success
		}
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

// hasKind says which reload routes the version has.
func (s *Server) hasKind(kind string) bool {
	switch kind {
	case "datasources", "dashboards", "plugins":
		return true
	case "notifications":
		return !s.newer(10, 0)
	case "alerting":
		return s.newer(9, 0)
	}
	return false
}

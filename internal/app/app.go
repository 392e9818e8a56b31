// Package app wires the parts together and owns their lifecycle.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"reloader/internal/config"
	"reloader/internal/history"
	"reloader/internal/page"
	"reloader/internal/reload"
	"reloader/internal/status"
	"reloader/internal/watch"
	"reloader/internal/webconfig"
)

// stopHTTP is how long HTTP requests get to finish when stopping.
const stopHTTP = 3 * time.Second

// ErrConfig marks an error in the user's configuration, as opposed to one of the environment.
var ErrConfig = errors.New("configuration")

// configError is an error in the configuration. It adds nothing to the cause's text.
type configError struct{ error }

func (e configError) Is(target error) bool { return target == ErrConfig }
func (e configError) Unwrap() error        { return e.error }

// Options are what New needs.
type Options struct {
	// Load builds the configuration from the contents of File; nil when there is no file.
	Load func(file []byte) (config.Config, error)
	// File is reloader's own configuration file; empty when there are only flags.
	File  string
	Build status.Build
	// Stderr gets the log.
	Stderr io.Writer
	// HangUp gets SIGHUP, which makes every target read its files again; nil: never.
	HangUp <-chan os.Signal
}

// App is the daemon: everything that was made from one configuration.
type App struct {
	o       Options
	log     *slog.Logger
	level   *slog.LevelVar
	tracker *status.Tracker
	history *history.Log
	page    *page.Page
	// listener is nil when metrics, status and health are switched off.
	listener net.Listener
	server   *http.Server
	watcher  *watch.Watcher
	memory   *memory
	cluster  cluster
	file     *ownFile // nil without a file

	mu    sync.Mutex
	cfg   config.Config
	units map[string]*unit
	// leaving are units that were cancelled and may still be running.
	leaving []*unit
	// stopping means that no other unit may start.
	stopping bool
	// heldBack are the last states of the targets whose servers could never start.
	heldBack []reload.Status
	// reread is when the newest check on request began; rereadDue means that another one is scheduled.
	reread    time.Time
	rereadDue bool
}

// New does everything that can fail because of the user or the environment, so that Start
// cannot. It binds the port and opens the gates; Stop releases them.
func New(ctx context.Context, o Options) (*App, error) {
	a := &App{o: o, tracker: status.New(o.Build), memory: newMemory(), units: map[string]*unit{}}
	a.history = history.New(func() { a.page.Changed() })
	a.page = page.New(a.tracker.Report, a.history.Report)
	var contents []byte
	if o.File != "" {
		file, data, err := openOwnFile(ctx, o.File)
		if err != nil {
			return nil, configError{err}
		}
		a.file, contents = file, data
	}
	cfg, err := o.Load(contents)
	if err != nil {
		return nil, configError{err}
	}
	a.cfg = cfg
	a.log, a.level = NewLogger(o.Stderr, cfg)
	if err := a.listen(ctx); err != nil {
		return nil, err
	}
	a.watcher = watch.New(watch.Options{Interval: cfg.PollInterval, Logger: a.log})
	a.tracker.WatchedBy(func() status.Watch {
		s := a.watcher.Stats()
		return status.Watch{Watches: s.Watches, Events: s.Events, Errors: s.Errors, Polling: s.Polling}
	})
	if err := a.joinCluster(cfg); err != nil {
		return nil, errors.Join(err, a.Stop())
	}
	for _, t := range cfg.Targets {
		u, err := a.build(ctx, cfg, t, nil)
		if err != nil {
			return nil, errors.Join(err, a.Stop())
		}
		a.units[t.Name] = u
		a.track(u)
	}
	return a, nil
}

func (a *App) listen(ctx context.Context) error {
	if a.cfg.ListenAddress == "" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.ListenAddress)
	if err != nil {
		hint := ""
		if errors.Is(err, syscall.EADDRINUSE) {
			hint = "; another program has this port, choose one with --listen-address"
		}
		return fmt.Errorf("serve metrics and status: %w%s", err, hint)
	}
	handler := status.Guard(a.tracker.Handler(a.Reread, a.page.Register, a.history.Register), a.cfg.AllowedHosts...)
	a.server, a.listener = status.NewServer(handler, listener)
	a.server.RegisterOnShutdown(a.page.Stop) // an open page would delay the stop
	if file := a.cfg.WebConfigFile; file != "" {
		protection, err := patiently(ctx, "read "+file, lookPatience,
			func() (*webconfig.Protection, error) { return webconfig.Open(file, a.log) }, func(*webconfig.Protection) {})
		if err != nil {
			return configError{errors.Join(fmt.Errorf("web_config_file: %w", err), listener.Close())}
		}
		a.server.Handler = protection.Handler(handler, status.ProbePaths...)
		a.listener = protection.Listener(a.listener)
	}
	a.server.ErrorLog = slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)
	return nil
}

// track makes a target known to metrics and status. It must not wait for a disk: the lock may be held.
func (a *App) track(u *unit) {
	known := status.Target{Name: u.cfg.Name, Kind: string(u.cfg.Kind), Status: u.target.Status, Look: u.target.Look}
	if u.gate != nil {
		known.Gate = u.gate.Current
	}
	a.tracker.Add(known)
	if gate, ok := u.gate.(keeper); ok {
		a.history.Add(known.Name, known.Kind, u.kept, func(data []byte) {
			if err := gate.KeepHistory(data); err != nil {
				a.log.Warn("could not save the history", "target", known.Name, "err", err)
			}
		})
		return
	}
	a.history.Add(known.Name, known.Kind, nil, nil)
}

// keeper keeps the history of a target across restarts of reloader.
type keeper interface{ KeepHistory(data []byte) error }

// Addr is where metrics and status are served; empty when they are switched off.
func (a *App) Addr() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.Addr().String()
}

// rereadPause is the least time between two checks on request: each one cuts a failing target's pause short.
const rereadPause = 2 * time.Second

// Reread makes every target read its files now, and reloader its own file. It never waits. If it is called again within
// rereadPause, they are read once more at the end of it.
func (a *App) Reread() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rereadDue || a.stopping {
		return
	}
	wait := time.Until(a.reread.Add(rereadPause))
	if wait <= 0 {
		a.lookNow()
		return
	}
	a.rereadDue = true
	time.AfterFunc(wait, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.rereadDue = false; !a.stopping {
			a.lookNow()
		}
	})
}

// lookNow does what Reread promises; the lock must be held.
func (a *App) lookNow() {
	a.reread = time.Now()
	for _, u := range a.units {
		u.target.Recheck()
	}
	if a.file != nil {
		a.file.hint()
	}
}

// Run starts everything, works until ctx ends, and stops everything.
func (a *App) Run(ctx context.Context) error {
	hup := a.o.HangUp
	// The parts end in the order of Stop, not all at once with ctx.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	failed := a.start(work)
	for {
		select {
		case <-hup:
			a.log.Info("reading the files again", "cause", "SIGHUP")
			a.Reread()
		case err := <-failed:
			return errors.Join(err, a.Stop())
		case <-ctx.Done():
			a.log.Info("stopping")
			return a.Stop()
		}
	}
}

// start starts everything. The channel gets the error that ends the HTTP server, if any.
func (a *App) start(ctx context.Context) <-chan error {
	failed := make(chan error, 1)
	if a.listener != nil {
		a.log.Info("serving metrics and status", "address", a.Addr())
		go func() {
			if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve metrics and status: %w", err)
			}
		}()
	}
	go a.memory.run(ctx)
	a.cluster.start(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noteFrozenMounts(a.cfg.Targets)
	for _, u := range a.units {
		u.start(ctx)
	}
	if a.file != nil {
		a.file.start(ctx, a.watcher, a.cfg.Settle, a.log, a.tracker, func(data []byte) error { return a.apply(ctx, data) })
	}
	a.tracker.Started()
	return failed
}

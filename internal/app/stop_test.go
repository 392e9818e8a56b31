package app

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/status"
	"reloader/internal/watch"
	"reloader/test/rig"
)

// bare is an App without a file, a port and targets.
func bare(t *testing.T) *App {
	t.Helper()
	a, err := New(t.Context(), Options{Stderr: &bytes.Buffer{}, Load: func([]byte) (config.Config, error) {
		cfg := config.Defaults()
		cfg.ListenAddress = ""
		return cfg, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// stuck is a unit that does not end when it is stopped, until the test closes its done.
func stuck(t *testing.T, a *App, name string) *unit {
	t.Helper()
	target, err := reload.New(reload.Options{Name: name, Reader: readerFunc(nil), Validator: guarded{}, Driver: &fakeDriver{}})
	if err != nil {
		t.Fatal(err)
	}
	u := &unit{cfg: config.Target{Name: name}, target: target, hints: a.watcher.Subscribe(nil), cancel: func() {}, done: make(chan struct{})}
	a.units[name] = u
	return u
}

// When several targets hang, all are stopped first, and they share one deadline, which is shorter than a pod's grace period.
func TestStopHasOneDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := bareFast()
		cancelled := 0
		for _, name := range []string{"a", "b", "c"} {
			u := &unit{cfg: config.Target{Name: name}, done: make(chan struct{}), cancel: func() { cancelled++ }}
			a.units[name] = u
		}
		begin := time.Now()
		err := a.Stop()
		if took := time.Since(begin); took > stopAll || cancelled != 3 || err == nil || strings.Count(err.Error(), "still busy") != 3 {
			t.Errorf("after %v with %d of 3 targets stopped: %v", took, cancelled, err)
		}
	})
}

// bareFast is an App that needs neither files nor ports, and is made at once.
func bareFast() *App {
	return &App{tracker: status.New(status.Build{}), watcher: watch.New(watch.Options{}), units: map[string]*unit{}}
}

// A reread on request never waits for a target that does not end, nor for a change of the configuration file.
func TestRereadNeverWaits(t *testing.T) {
	t.Parallel()
	a := bare(t)
	u := stuck(t, a, "one")
	a.exchange(t.Context(), a.config(), nil, []string{"one"})
	done := make(chan struct{})
	go func() { a.Reread(); close(done) }()
	select {
	case <-done:
	case <-time.After(rig.Patience):
		t.Error("Reread waits for the target")
	}
	close(u.done)
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
}

// Rereads on request are made at most every two seconds, and the last request is not lost. Each one ends the pause of a failing
// reload, so two hundred would be two hundred reloads.
func TestRereadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := bareFast()
		f := &ownFile{kick: make(chan struct{}, 1)}
		a.file = f
		looks := 0
		count := func() {
			synctest.Wait()
			select {
			case <-f.kick:
				looks++
			default:
			}
		}
		for range 200 {
			a.Reread()
			count()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(rereadPause)
		count()
		if looks != 2 {
			t.Errorf("%d rereads for 200 requests within 2 s, want 2", looks)
		}
		a.watcher.Close()
	})
}

type readerFunc func(context.Context) (*snapshot.Set, error)

func (f readerFunc) Read(ctx context.Context) (*snapshot.Set, error) { return f(ctx) }
func (readerFunc) Findings() []finding.Finding                       { return nil }
func (readerFunc) Unchanged(context.Context) bool                    { return false }
func (readerFunc) SameCommit() bool                                  { return false }
func (readerFunc) Dirs() []string                                    { return []string{"/hung"} }
func (readerFunc) Change(func(*snapshot.Snapshot) (*snapshot.Snapshot, []finding.Finding)) {
}

// A directory that hangs is named in the error, delays only its own reading, and does not delay the stop. When it answers again,
// it is read again, and never twice at the same time.
func TestHungDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		reading := 0
		r := newPatientReader(readerFunc(func(context.Context) (*snapshot.Set, error) {
			reading++
			if reading > 1 {
				t.Error("two readings at a time")
			}
			<-hang
			reading--
			return &snapshot.Set{}, nil
		}))
		for range 2 {
			if _, err := r.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "/hung: no answer from the file system within 1m30s") {
				t.Errorf("got %v", err)
			}
		}
		if r.Unchanged(t.Context()) || r.SameCommit() {
			t.Error("a directory that hangs counts as unchanged")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Read(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a stop waits: %v", err)
		}
		close(hang)
		synctest.Wait()
		if _, err := r.Read(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

type panicking struct{}

func (panicking) Validate(context.Context, finding.Request) (finding.Result, error) {
	panic("an excerpt of a secret file")
}

// A panic in a validator is no verdict. The error names the place in the code, and contains nothing from the files.
func TestValidatorThatPanics(t *testing.T) {
	t.Parallel()
	_, err := guarded{panicking{}}.Validate(t.Context(), finding.Request{})
	if err == nil || !strings.Contains(err.Error(), "panicking.Validate, stop_test.go:") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

type panickingDriver struct{ fakeDriver }

func (*panickingDriver) Plan(context.Context, reload.Change) (reload.Plan, error) {
	panic("an excerpt of a secret file")
}

// A panic while a driver plans does not end the process. The error names the place in the code, and contains nothing from the
// files.
func TestDriverThatPanics(t *testing.T) {
	t.Parallel()
	_, err := planGuard{&panickingDriver{}}.Plan(t.Context(), reload.Change{})
	if err == nil || !strings.Contains(err.Error(), "panickingDriver).Plan, stop_test.go:") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// A SIGHUP that arrives before everything is set up is not lost: the files are read again.
func TestHangUpBeforeTheStart(t *testing.T) {
	t.Parallel()
	hangUp := make(chan os.Signal, 1)
	hangUp <- syscall.SIGHUP
	var log rig.Buffer
	a, err := New(t.Context(), Options{Stderr: &log, HangUp: hangUp, Load: func([]byte) (config.Config, error) {
		cfg := config.Defaults()
		cfg.ListenAddress = ""
		return cfg, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	rig.Until(t, "the reread", func() bool { return strings.Contains(log.String(), "cause=SIGHUP") })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// fakeDriver is a driver of a server whose reloads hang.
type fakeDriver struct {
	server  *fakeServer
	inherit atomic.Pointer[fakeDriver]
}

type fakeServer struct {
	now, most atomic.Int32
	hang      chan struct{}
}

func (d *fakeDriver) Observe(context.Context) (reload.Observation, error) {
	return reload.Observation{Ready: true, Epoch: "1"}, nil
}

func (d *fakeDriver) Plan(context.Context, reload.Change) (reload.Plan, error) {
	return reload.Plan{Calls: []string{"POST"}}, nil
}

// Reload ignores the context, like a request that must not be cut off.
func (d *fakeDriver) Reload(context.Context, reload.Plan) error {
	s := d.server
	if n := s.now.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	defer s.now.Add(-1)
	<-s.hang
	return nil
}

func (d *fakeDriver) Confirm(_ context.Context, _ reload.Plan, p reload.Proof) (reload.Verdict, error) {
	return reload.Verdict{Proven: p.Reloaded, By: "test", After: reload.Observation{Ready: true, Epoch: "1"}}, nil
}

func (d *fakeDriver) Inherit(from reload.Driver) { d.inherit.Store(from.(*fakeDriver)) }

type accepting struct{}

func (accepting) Validate(context.Context, finding.Request) (finding.Result, error) {
	return finding.Result{Outline: &finding.Outline{}}, nil
}

// While a reload is in flight, edits of the configuration file make new units of the same target. None of them reloads before
// the one in flight has ended. Each driver inherits from the one before it.
func TestNeverTwoReloadsInFlight(t *testing.T) {
	t.Parallel()
	a := bare(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	server := &fakeServer{hang: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var units []*unit
	replace := func() *unit {
		d := &fakeDriver{server: server}
		r := readerFunc(func(ctx context.Context) (*snapshot.Set, error) {
			s, err := snapshot.Take(ctx, snapshot.Source{Name: "x", Dir: dir}, snapshot.Limits{})
			if err != nil {
				return nil, err
			}
			return snapshot.NewSet(s), nil
		})
		target, err := reload.New(reload.Options{Name: "one", Reader: r, Validator: accepting{}, Driver: d, Settle: -1})
		if err != nil {
			t.Fatal(err)
		}
		u := &unit{cfg: config.Target{Name: "one", Kind: config.HTTP, URL: "http://h"}, target: target, driver: d,
			hints: a.watcher.Subscribe(nil), previous: a.unit("one")}
		a.exchange(ctx, a.config(), map[string]*unit{"one": u}, nil)
		units = append(units, u)
		return u
	}
	replace()
	rig.Eventually(t, "a reload in flight", func() error {
		if server.now.Load() == 0 {
			return errors.New("none")
		}
		return nil
	})
	for range 3 {
		replace()
	}
	close(server.hang)
	last := units[len(units)-1]
	rig.Eventually(t, "the last unit in sync", func() error {
		if s := last.target.Status(); s.Phase != reload.InSync {
			return errors.New(string(s.Phase))
		}
		return nil
	})
	if most := server.most.Load(); most != 1 {
		t.Errorf("%d reloads at a time, want 1", most)
	}
	for i, u := range units[1:] {
		if d := u.driver.(*fakeDriver); d.inherit.Load() != units[i].driver {
			t.Errorf("the driver of unit %d did not inherit from that of unit %d", i+1, i)
		}
	}
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
}

// Every target has the guards that keep files of others from blocking or ending it.
func TestUnitsAreGuarded(t *testing.T) {
	t.Parallel()
	u := &unit{reader: newPatientReader(readerFunc(nil)), driver: &panickingDriver{}}
	a := bareFast()
	defer a.watcher.Close()
	o := a.options(config.Defaults(), u, panicking{})
	if _, err := o.Validator.Validate(t.Context(), finding.Request{}); err == nil {
		t.Error("a validator that panics has a verdict")
	}
	if _, err := o.Driver.Plan(t.Context(), reload.Change{}); err == nil {
		t.Error("a driver that panics has a plan")
	}
	if o.Reader != reload.Reader(u.reader) {
		t.Errorf("a directory that hangs would block the target: the reader is a %T", o.Reader)
	}
}

package app

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reloader/internal/config"
	"reloader/internal/gate"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// hungGate is a gate on a disk that does not answer, while something is being written to it: only what is in memory is known.
type hungGate struct{ hang chan struct{} }

func (g hungGate) Publish(context.Context, *snapshot.Set) error { <-g.hang; return nil }
func (g hungGate) Accept(snapshot.Digest) error                 { <-g.hang; return nil }
func (g hungGate) Rollback(context.Context, ...snapshot.Digest) (snapshot.Digest, error) {
	<-g.hang
	return snapshot.Digest{}, nil
}
func (g hungGate) Current() snapshot.Digest       { return snapshot.Digest{1} }
func (g hungGate) LastAccepted() snapshot.Digest  { return snapshot.Digest{1} }
func (g hungGate) Look() (snapshot.Digest, error) { <-g.hang; return snapshot.Digest{}, nil }
func (g hungGate) Refuse(string, string, []snapshot.Digest) error {
	<-g.hang
	return nil
}
func (g hungGate) Refused() (string, string, []snapshot.Digest) { <-g.hang; return "", "", nil }
func (g hungGate) KeepHistory([]byte) error                     { <-g.hang; return nil }
func (g hungGate) History() []byte                              { <-g.hang; return nil }
func (g hungGate) Close() error                                 { <-g.hang; return nil }

// While a gate's disk does not answer, an edit of reloader's configuration file still replaces the target, and neither a reread nor a
// stop waits for the disk.
func TestHungGateHoldsOnlyItsTargetUp(t *testing.T) {
	t.Parallel()
	a := bare(t)
	g := hungGate{make(chan struct{})}
	cfg := config.Target{Name: "one", Kind: config.HTTP, URL: "http://127.0.0.1:1", Dirs: []config.Mount{{Path: t.TempDir()}},
		Gate: config.Mount{Path: filepath.Join(t.TempDir(), "gate")}}
	old := stuck(t, a, "one")
	old.cfg, old.gate = cfg, g
	done := make(chan error, 1)
	go func() {
		next, err := a.build(t.Context(), a.config(), cfg, old)
		if err == nil {
			a.exchange(t.Context(), a.config(), map[string]*unit{"one": next}, nil)
			a.Reread()
		}
		done <- err
	}()
	rig.Until(t, "the new unit", func() bool { return len(done) == 1 })
	if err := <-done; err != nil {
		t.Error(err)
	}
	close(g.hang)
	close(old.done)
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
}

// A call to a disk that does not answer ends with an error that says so, a stop does not wait for it, and a result that arrives later
// is closed.
func TestPatiently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var closed atomic.Int32 // by goroutines of their own
		open := func() (int, error) { <-hang; return 7, nil }
		_, err := patiently(t.Context(), "open gate /g", time.Minute, open, func(int) { closed.Add(1) })
		if err == nil || !strings.Contains(err.Error(), "open gate /g: no answer from the file system within 1m0s") {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if _, err := patiently(ctx, "open gate /g", time.Minute, open, func(int) { closed.Add(1) }); !errors.Is(err, context.Canceled) || time.Since(began) != time.Second {
			t.Errorf("a stop: %v after %v", err, time.Since(began))
		}
		close(hang)
		synctest.Wait()
		if n := closed.Load(); n != 2 {
			t.Errorf("%d of 2 were closed", n)
		}
		if v, err := patiently(t.Context(), "open gate /g", time.Minute, open, func(int) { closed.Add(1) }); v != 7 || err != nil || closed.Load() != 2 {
			t.Errorf("%d, %v, %d closed", v, err, closed.Load())
		}
	})
}

// The history that a gate keeps is shown again after a restart.
func TestHistoryOfAGateIsRead(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "gate")
	g, err := gate.Open(dir, gate.Options{})
	rig.Must(t, err)
	rig.Must(t, g.KeepHistory([]byte(`{"version":1,"entries":[{"seen":"2026-01-01T00:00:00Z","outcome":"live"}]}`)))
	rig.Must(t, g.Close())
	a, err := New(t.Context(), Options{Stderr: &bytes.Buffer{}, Load: func([]byte) (config.Config, error) {
		cfg := config.Defaults()
		cfg.ListenAddress = ""
		cfg.Targets = []config.Target{{Name: "one", Kind: config.HTTP, URL: "http://127.0.0.1:1", KeepGenerations: 3,
			Dirs: []config.Mount{{Path: t.TempDir()}}, Gate: config.Mount{Path: dir}}}
		return cfg, nil
	}})
	rig.Must(t, err)
	if r := a.history.Report(); len(r.Targets) != 1 || len(r.Targets[0].Entries) != 1 {
		t.Errorf("%+v", r)
	}
	rig.Must(t, a.Stop())
}

var _ reload.Gate = hungGate{}

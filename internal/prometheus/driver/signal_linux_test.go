package driver_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/driver"
	"reloader/internal/prometheus/prometheustest"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// SIGHUP reloads the real server without its lifecycle API. The result is proven by its API, or without a URL reported as unproven.
func TestSignal(t *testing.T) {
	t.Parallel()
	binary := rig.PrometheusBinary(t)
	// A name of its own, so that the signal does not reach the servers of other tests. It is longer than the kernel keeps.
	name := "prometheus-signal-" + filepath.Base(t.TempDir()) + filepath.Base(filepath.Dir(t.TempDir()))
	link := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(binary, link); err != nil {
		t.Fatal(err)
	}
	s := newDir(t)
	startBinary(t, link, &s, options{noLifecycle: true})

	signal := func(o *driver.Options) { o.Method, o.Process = driver.Signal, name }
	d := newDriver(t, httpclient.Options{URL: s.url}, signal)
	round := func(text string) reload.Verdict {
		t.Helper()
		s.write(t, text)
		before := observe(t, d)
		p := planFor(t, d, s)
		if p.Calls[0] != "SIGHUP" {
			t.Errorf("calls %q", p.Calls)
		}
		if err := d.Reload(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		v, err := d.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := round(otherFile); !v.Proven {
		t.Errorf("good files: %+v", v)
	}
	if v := round(brokenFile); v.Proven || !v.Refused || !strings.Contains(v.Reason, "reloadConfigSuccess") {
		t.Errorf("broken files: %+v", v)
	}
	if v := round(goodFile); !v.Proven {
		t.Errorf("the fix: %+v", v)
	}

	t.Run("without a URL", func(t *testing.T) {
		d, err := driver.New(driver.Options{Method: driver.Signal, Process: name})
		if err != nil {
			t.Fatal(err)
		}
		// A process that has just started is not sent the signal.
		rig.Eventually(t, "a process that can take the signal", func() error {
			if o, err := d.Observe(t.Context()); err != nil || !o.Ready {
				return fmt.Errorf("%s, %w", o.Reason, err)
			}
			return nil
		})
		before := observe(t, d)
		p := planFor(t, d, s)
		if v, err := d.Confirm(t.Context(), p, reload.Proof{Before: before}); err != nil || v.Proven {
			t.Errorf("proven without a call: %+v, %v", v, err)
		}
		if err := d.Reload(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		v, err := d.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: before})
		if err != nil || !v.Proven || !strings.Contains(v.By, "cannot prove") {
			t.Errorf("%+v, %v", v, err)
		}
	})
	t.Run("no such process", func(t *testing.T) {
		d := newDriver(t, httpclient.Options{URL: s.url}, func(o *driver.Options) { o.Method, o.Process = driver.Signal, name+"x" })
		observe(t, d)
		wantClass(t, d.Reload(t.Context(), planFor(t, d, s)), reload.ClassLocal, "shareProcessNamespace")
	})
}

// A load by signal that takes long does not delay newer files: the confirmation ends while it runs. No second signal is sent
// meanwhile, and the end of the load proves or refuses the files.
func TestSlowLoadAfterASignal(t *testing.T) {
	t.Parallel()
	for _, good := range []bool{true, false} {
		t.Run(fmt.Sprintf("succeeds %v", good), func(t *testing.T) {
			t.Parallel()
			name := fmt.Sprintf("slow-%v-%d", good, os.Getpid())
			link := filepath.Join(t.TempDir(), name)
			sleep, err := exec.LookPath("sleep")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(sleep, link); err != nil {
				t.Fatal(err)
			}
			// The process ignores the signal; the fake server loads when the test tells it to.
			rig.NewProcess(t, name, "nohup", link, "1000").Start()
			var refuses atomic.Bool
			fake := prometheustest.New(t, prometheustest.Options{Load: func(string) error {
				if refuses.Load() {
					return errors.New("refused")
				}
				return nil
			}})
			d := newDriver(t, httpclient.Options{URL: fake.URL()}, func(o *driver.Options) { o.Method, o.Process = driver.Signal, name })
			before := observe(t, d)
			p, err := d.Plan(t.Context(), reload.Change{Server: before, New: &snapshot.Set{Digest: snapshot.Digest{1}}})
			if err != nil {
				t.Fatal(err)
			}
			rig.Eventually(t, "the signal is sent", func() error { return d.Reload(t.Context(), p) })
			_, err = d.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: before})
			wantClass(t, err, reload.ClassBusy, "not finished")
			wantClass(t, d.Reload(t.Context(), p), reload.ClassBusy, "not finished")
			refuses.Store(!good)
			loads := newDriver(t, httpclient.Options{URL: fake.URL()})
			observe(t, loads)
			if err := loads.Reload(t.Context(), reload.Plan{}); (err == nil) != good {
				t.Fatal(err)
			}
			if err := d.Reload(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			v, err := d.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: before})
			if err != nil || v.Proven != good || v.Refused == good {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
}

package driver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/driver"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// TestSignal uses the real server: SIGHUP works without the lifecycle API, and shows no result but in runtimeinfo.
func TestSignal(t *testing.T) {
	t.Parallel()
	binary := rig.PrometheusBinary(t)
	// A name of its own, longer than the kernel keeps, so that other tests' servers are not meant.
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
		// A process that has just started is sent nothing.
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
		if err != nil || !v.Proven || !strings.Contains(v.By, "nothing proves") {
			t.Errorf("%+v, %v", v, err)
		}
	})
	t.Run("no such process", func(t *testing.T) {
		d := newDriver(t, httpclient.Options{URL: s.url}, func(o *driver.Options) { o.Method, o.Process = driver.Signal, name+"x" })
		observe(t, d)
		wantClass(t, d.Reload(t.Context(), planFor(t, d, s)), reload.ClassLocal, "shareProcessNamespace")
	})
}

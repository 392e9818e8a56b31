package prometheus

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// pair is a reloader beside a server that may see other files.
type pair struct {
	*rig.Reloader
	t      *testing.T
	server *rig.Prometheus
	main   *volume.Volume
}

// startPair starts both. The flags name the main file.
func startPair(t *testing.T, server *rig.Prometheus, main *volume.Volume, flags ...string) *pair {
	t.Helper()
	server.Start()
	server.Ready()
	return follow(t, server, main, flags...)
}

func follow(t *testing.T, server *rig.Prometheus, main *volume.Volume, flags ...string) *pair {
	t.Helper()
	p := &pair{rig.NewReloader(t, append([]string{"--prometheus-url", server.Proxy, "--poll-interval", "2s"}, flags...)...), t, server, main}
	p.Start()
	return p
}

// never fails the test when anything says that the files are live, from now until the returned function is called: the
// phase, the metrics, and wait. Begin it when the newest files have been seen. Until a failure is noticed the metric
// keeps its value by design: failed says that one was, after which it must stay 0.
func (p *pair) never() (end func()) {
	done := make(chan struct{})
	var stopped sync.WaitGroup
	until := func(pause time.Duration, look func() bool) {
		stopped.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(pause):
				}
				if !look() {
					return
				}
			}
		})
	}
	failed := false
	until(10*time.Millisecond, func() bool {
		s, err := p.Status()
		if err != nil {
			return true
		}
		if s.Phase == reload.InSync {
			p.t.Errorf("InSync by %q while the server runs something else", s.Proof)
			return false
		}
		m, err := p.metrics()
		if err != nil {
			return true
		}
		if m[inSync] != "0" {
			p.t.Errorf("%s is %q while the server runs something else", inSync, m[inSync])
			return false
		}
		if failed && m[successful] != "0" {
			p.t.Errorf("%s is %q after it was 0, and the server runs something else", successful, m[successful])
			return false
		}
		failed = failed || m[successful] == "0"
		return true
	})
	until(200*time.Millisecond, func() bool {
		o := rig.Command(p.t, "wait", "--synced", "--url", p.URL, "--timeout", "1s")
		if o.Code == 0 {
			p.t.Errorf("wait says %q while the server runs something else", o.Stdout+o.Stderr)
		}
		return o.Code != 0
	})
	return sync.OnceFunc(func() { close(done); stopped.Wait() })
}

// The metrics that say whether the files are live.
const (
	successful = `reloader_last_reload_successful{target="prometheus"}`
	inSync     = `reloader_phase{phase="InSync",target="prometheus"}`
)

// metrics are reloader's series.
func (p *pair) metrics() (map[string]string, error) {
	body, err := rig.Get(p.t, p.URL+"/metrics")
	m := map[string]string{}
	for line := range strings.Lines(body) {
		if series, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			m[series] = value
		}
	}
	return m, err
}

// mismatches waits for the mismatch, and wants these words in what the status and wait say of it, the metric 0 and wait's exit code 1.
func (p *pair) mismatches(words ...string) reload.Status {
	p.t.Helper()
	s := p.Reaches("Mismatch", func(s reload.Status) bool { return s.Phase == reload.Mismatch && len(s.Differences) > 0 })
	text := strings.Join(append(s.Differences, s.Reason, s.Cause), "\n")
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.t.Errorf("nothing says %q:\n%s", w, text)
		}
	}
	if got := p.Metric(successful); got != "0" {
		p.t.Errorf("%s is %s", successful, got)
	}
	o := rig.Command(p.t, "wait", "--synced", "--url", p.URL, "--timeout", "20s")
	if o.Code != 1 {
		p.t.Errorf("wait: %+v", o)
	}
	for _, w := range words {
		if !strings.Contains(o.Stderr, w) {
			p.t.Errorf("wait does not say %q:\n%s", w, o.Stderr)
		}
	}
	return s
}

// synced waits for proof; then the metrics and wait say the same.
func (p *pair) synced() reload.Status {
	p.t.Helper()
	s := p.Reaches("InSync", func(s reload.Status) bool { return s.Phase == reload.InSync && s.Running == s.Wanted })
	for _, series := range []string{successful, inSync} {
		if got := p.Metric(series); got != "1" {
			p.t.Errorf("%s is %s", series, got)
		}
	}
	if o := rig.Command(p.t, "wait", "--synced", "--url", p.URL, "--timeout", "20s"); o.Code != 0 {
		p.t.Errorf("wait: %+v", o)
	}
	return s
}

func newVolume(t *testing.T, name, text string) *volume.Volume {
	t.Helper()
	return volume.New(t, filepath.Join(t.TempDir(), "v"), map[string]string{name: text})
}

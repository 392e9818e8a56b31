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

// pair is a reloader and a server that may see other files.
type pair struct {
	*rig.Reloader
	t      *testing.T
	server *rig.Prometheus
	main   *volume.Volume
}

// startPair starts both. The flags give reloader its main file.
func startPair(t *testing.T, server *rig.Prometheus, main *volume.Volume, flags ...string) *pair {
	t.Helper()
	server.Start()
	server.Ready()
	return follow(t, server, main, flags...)
}

// follow starts a reloader for a server that runs.
func follow(t *testing.T, server *rig.Prometheus, main *volume.Volume, flags ...string) *pair {
	t.Helper()
	p := &pair{rig.NewReloader(t, append([]string{"--prometheus-url", server.Proxy, "--poll-interval", "2s"}, flags...)...), t, server, main}
	p.Start()
	return p
}

// never fails the test if the phase, a metric or wait says that the files are live, from now until the returned function is
// called. Call it when reloader has seen the newest files. The metric of the last reload keeps its value until a failure
// is noticed, and must then stay 0.
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
			p.t.Errorf("InSync with the proof %q while the server runs something else", s.Proof)
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
			p.t.Errorf("%s became %q after 0 while the server runs something else", successful, m[successful])
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

// The series that say whether the files are live.
const (
	successful = `reloader_last_reload_successful{target="prometheus"}`
	inSync     = `reloader_phase{phase="InSync",target="prometheus"}`
)

// metrics are the values of reloader's series.
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

// mismatches waits for a mismatch. It requires these words in the status and in the output of wait, the exit code 1, and the metric 0.
func (p *pair) mismatches(words ...string) reload.Status {
	p.t.Helper()
	s := p.Reaches("Mismatch", func(s reload.Status) bool { return s.Phase == reload.Mismatch && len(s.Differences) > 0 })
	text := strings.Join(append(s.Differences, s.Reason, s.Cause), "\n")
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.t.Errorf("the status does not say %q:\n%s", w, text)
		}
	}
	if got := p.Metric(successful); got != "0" {
		p.t.Errorf("%s is %s", successful, got)
	}
	o := rig.WaitBriefly(p.t, p.URL)
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

// synced waits for proof, and requires that the metrics and wait agree.
func (p *pair) synced() reload.Status {
	p.t.Helper()
	s := p.Reaches("InSync", func(s reload.Status) bool { return s.Phase == reload.InSync && s.Running == s.Wanted })
	for _, series := range []string{successful, inSync} {
		if got := p.Metric(series); got != "1" {
			p.t.Errorf("%s is %s", series, got)
		}
	}
	if o := rig.Command(p.t, "wait", "--synced", "--url", p.URL, "--timeout", rig.Patience.String()); o.Code != 0 {
		p.t.Errorf("wait: %+v", o)
	}
	return s
}

// newVolume is a volume with one file.
func newVolume(t *testing.T, name, text string) *volume.Volume {
	t.Helper()
	return volume.New(t, filepath.Join(t.TempDir(), "v"), map[string]string{name: text})
}

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

// never fails the test when the target is InSync, from now until the returned function is called.
func (p *pair) never() (end func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
			if s, err := p.Status(); err == nil && s.Phase == reload.InSync {
				p.t.Errorf("InSync by %q while the server runs something else", s.Proof)
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(done); <-stopped })
}

// mismatches waits for the mismatch, and wants these words in what is said of it, the metric 0 and wait's exit code 1.
func (p *pair) mismatches(words ...string) reload.Status {
	p.t.Helper()
	s := p.Reaches("Mismatch", func(s reload.Status) bool { return s.Phase == reload.Mismatch && len(s.Differences) > 0 })
	text := strings.Join(append(s.Differences, s.Reason, s.Cause), "\n")
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.t.Errorf("nothing says %q:\n%s", w, text)
		}
	}
	if got := p.Metric(`reloader_last_reload_successful{target="prometheus"}`); got != "0" {
		p.t.Errorf("reloader_last_reload_successful is %s", got)
	}
	if o := rig.Command(p.t, "wait", "--url", p.URL, "--timeout", "5s"); o.Code == 0 {
		p.t.Errorf("wait: %+v", o)
	}
	return s
}

func (p *pair) synced() reload.Status {
	p.t.Helper()
	return p.Reaches("InSync", func(s reload.Status) bool { return s.Phase == reload.InSync && s.Running == s.Wanted })
}

func newVolume(t *testing.T, name, text string) *volume.Volume {
	t.Helper()
	return volume.New(t, filepath.Join(t.TempDir(), "v"), map[string]string{name: text})
}

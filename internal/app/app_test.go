package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"reloader/internal/config"
	"reloader/internal/reload"
	"reloader/internal/status"
	"reloader/test/rig"
)

// site is a directory with reloader's configuration file, and a server for each of two targets.
type site struct {
	t    *testing.T
	dir  string
	hits [2]atomic.Int64
	urls [2]string
	log  rig.Buffer
	app  *App
	// loads counts how often the contents of the configuration file were parsed.
	loads atomic.Int64
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	for i := range s.urls {
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				s.hits[i].Add(1)
			}
		}))
		t.Cleanup(srv.Close)
		s.urls[i] = srv.URL + "/-/reload"
		s.write(fmt.Sprintf("d%d/file", i), "1")
	}
	return s
}

func (s *site) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	tmp := filepath.Join(s.dir, "tmp")
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		s.t.Fatal(err)
	}
}

// target is the YAML of one of the two targets.
func (s *site) target(i int, name string) string {
	return fmt.Sprintf("- {name: %s, kind: http, url: %q, dirs: [%q]}\n", name, s.urls[i], filepath.Join(s.dir, fmt.Sprintf("d%d", i)))
}

const head = "listen_address: 127.0.0.1:0\nsettle: 10ms\npoll_interval: 500ms\ntargets:\n"

// run starts the daemon with reloader.yml. The end of the test stops it and checks how it ended.
func (s *site) run(file string) {
	s.t.Helper()
	s.write("conf/reloader.yml", file)
	path := filepath.Join(s.dir, "conf/reloader.yml")
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags := config.Register(fs)
	if err := fs.Parse([]string{"--config", path}); err != nil {
		s.t.Fatal(err)
	}
	load := func(file []byte) (config.Config, error) {
		s.loads.Add(1)
		return flags.Config(file)
	}
	a, err := New(s.t.Context(), Options{Load: load, File: path, Build: status.Build{Version: "test"}, Stderr: &s.log})
	if err != nil {
		s.t.Fatal(err)
	}
	s.app = a
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				s.t.Errorf("run: %v", err)
			}
		case <-time.After(rig.Patience):
			s.t.Error("the daemon does not stop")
		}
		if s.t.Failed() {
			s.t.Logf("log:\n%s", s.log.String())
		}
	})
}

// eventually polls the report until check accepts it.
func (s *site) eventually(what string, check func(status.Report) bool) status.Report {
	s.t.Helper()
	var r status.Report
	rig.Eventually(s.t, what, func() error {
		if r = s.app.tracker.Report(); !check(r) {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
	return r
}

// synced says that exactly these targets exist and are in sync.
func synced(names ...string) func(status.Report) bool {
	return func(r status.Report) bool {
		if len(r.Targets) != len(names) || !r.Ready {
			return false
		}
		for i, t := range r.Targets {
			if t.Target != names[i] || t.Phase != reload.InSync {
				return false
			}
		}
		return true
	}
}

// Reloader follows its own configuration file: targets are added, removed and changed with it, a broken file
// changes nothing, and targets that stay the same are not disturbed.
func TestFollowsItsOwnFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run(head + s.target(0, "a"))
	first := s.eventually("the first target", synced("a"))

	s.write("conf/reloader.yml", head+s.target(0, "a")+s.target(1, "b"))
	s.eventually("a second target", synced("a", "b"))

	s.write("conf/reloader.yml", head+"- {name: a, kind: nothing}\n")
	r := s.eventually("a broken file", func(r status.Report) bool { return r.ConfigFile.Error != "" })
	if want := "reloader.yml:5:13: targets[0].kind: unknown kind"; !strings.Contains(r.ConfigFile.Error, want) || !synced("a", "b")(r) {
		t.Errorf("error %q, want %q and both targets in sync", r.ConfigFile.Error, want)
	}

	s.write("conf/reloader.yml", strings.Replace(head, "127.0.0.1:0", "127.0.0.1:1", 1)+s.target(0, "a"))
	r = s.eventually("a change that needs a restart", func(r status.Report) bool {
		return strings.Contains(r.ConfigFile.Error, "listen_address: cannot be changed while running")
	})
	if !synced("a", "b")(r) {
		t.Errorf("targets: %+v", r.Targets)
	}

	s.write("conf/reloader.yml", head+s.target(0, "a"))
	r = s.eventually("a removed target", synced("a"))
	s.eventually("no error", func(r status.Report) bool { return r.ConfigFile.Error == "" })
	if past := s.app.history.Report().Targets; len(past) != 1 || past[0].Target != "a" {
		t.Errorf("history of %+v, want that of a alone", past)
	}
	if !r.Targets[0].Since.Equal(first.Targets[0].Since) || s.hits[0].Load() > 1 {
		t.Errorf("the untouched target was disturbed: since %v, then %v, %d requests", first.Targets[0].Since, r.Targets[0].Since, s.hits[0].Load())
	}

	s.write("conf/reloader.yml", head+s.target(1, "a"))
	before := s.hits[1].Load()
	s.eventually("a changed target", func(r status.Report) bool { return synced("a")(r) && s.hits[1].Load() > before })
}

// If one target of a new file cannot be set up, the other targets do not change either. Otherwise they would keep the refused
// settings when the file goes back to what it was, because then nothing differs.
func TestRefusedFileChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := head + s.target(0, "a") + s.target(1, "b")
	s.run(before)
	s.eventually("both targets", synced("a", "b"))

	s.write("file", "a file in place of the gate's directory")
	moved := strings.Replace(s.target(0, "a"), s.urls[0], s.urls[1], 1)
	s.write("conf/reloader.yml", head+moved+s.target(1, "b")+gated(s.target(1, "c"), filepath.Join(s.dir, "file")))
	s.eventually("the gate's error", func(r status.Report) bool { return strings.Contains(r.ConfigFile.Error, "open gate") })
	s.write("conf/reloader.yml", before)
	s.eventually("no error", func(r status.Report) bool { return r.ConfigFile.Error == "" })

	hits := s.hits[0].Load()
	s.write("d0/file", "2")
	s.eventually("a reload at the address that the file names", func(r status.Report) bool {
		return synced("a", "b")(r) && s.hits[0].Load() > hits
	})
}

// look waits until the configuration file was checked once more.
func (s *site) look() {
	s.t.Helper()
	for range 2 { // when the second hint is received, the check for the first has ended
		s.app.Reread()
		s.eventually("a look", func(status.Report) bool { return len(s.app.file.kick) == 0 })
	}
}

// Contents that are wrong are not tried again until they change.
func TestRefusedContentsAreTriedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run(head + s.target(0, "a"))
	s.eventually("the target", synced("a"))
	s.write("conf/reloader.yml", head+"- {name: a, kind: nothing}\n")
	s.eventually("a broken file", func(r status.Report) bool { return r.ConfigFile.Error != "" })
	loads := s.loads.Load()
	s.look()
	if got := s.loads.Load(); got != loads || s.app.tracker.Report().ConfigFile.Error == "" {
		t.Errorf("tried %d times more, error %q", got-loads, s.app.tracker.Report().ConfigFile.Error)
	}
}

// Settings that fail because of the environment are tried again, and are used once that works.
func TestRefusedByTheEnvironmentIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run(head + s.target(0, "a"))
	s.eventually("the target", synced("a"))
	s.write("file", "a file in place of the gate's directory")
	s.write("conf/reloader.yml", head+s.target(0, "a")+gated(s.target(1, "b"), filepath.Join(s.dir, "file")))
	s.eventually("the gate's error", func(r status.Report) bool { return strings.Contains(r.ConfigFile.Error, "open gate") })
	if err := os.Remove(filepath.Join(s.dir, "file")); err != nil {
		t.Fatal(err)
	}
	s.eventually("the gate in use", func(r status.Report) bool { return r.ConfigFile.Error == "" && synced("a", "b")(r) })
}

// When two new targets want the same gate, the target that has it is not disturbed.
func TestConflictOverAGateDisturbsNoTarget(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	gate, alias := filepath.Join(s.dir, "gate"), filepath.Join(s.dir, "alias")
	s.run(head + gated(s.target(0, "a"), gate))
	before := s.eventually("the target", synced("a"))
	if err := os.Symlink(gate, alias); err != nil {
		t.Fatal(err)
	}
	s.write("conf/reloader.yml", head+gated(s.target(0, "b"), gate)+gated(s.target(1, "c"), alias))
	s.eventually("the conflict", func(r status.Report) bool { return r.ConfigFile.Error != "" })
	s.look()
	r := s.eventually("the old target", synced("a"))
	if !r.Targets[0].Since.Equal(before.Targets[0].Since) {
		t.Errorf("the target was stopped: in sync since %v, then %v", before.Targets[0].Since, r.Targets[0].Since)
	}
}

// gated adds a gate to the YAML of a target.
func gated(target, dir string) string { return with(target, fmt.Sprintf("gate: %q", dir)) }

// with adds a key to the YAML of a target.
func with(target, key string) string {
	return strings.Replace(target, "kind: http", "kind: http, "+key, 1)
}

// A server starts on the files in its gate. So another gate, or another target for it, needs a restart of reloader, and the error
// says so. Other settings of a gated target can change while its gate is kept.
func TestGateNeedsARestart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	gate := filepath.Join(s.dir, "gate")
	s.run(head + gated(s.target(0, "a"), gate))
	s.eventually("the target", synced("a"))
	for file, want := range map[string]string{
		gated(s.target(0, "b"), gate):                            "moving it to another target needs a restart of reloader",
		gated(s.target(0, "a"), gate+"2"):                        "the gate of target a: cannot be changed while running; restart reloader",
		s.target(0, "a"):                                         "the gate of target a: cannot be changed while running; restart reloader",
		with(gated(s.target(0, "a"), gate), `gate_mode: "0440"`): "the gate of target a: cannot be changed while running; restart reloader",
	} {
		s.write("conf/reloader.yml", head+file)
		s.eventually(want, func(r status.Report) bool { return strings.Contains(r.ConfigFile.Error, want) && synced("a")(r) })
	}
	s.write("conf/reloader.yml", head+with(gated(s.target(0, "a"), gate), "reload_timeout: 7s"))
	s.eventually("another setting in use", func(r status.Report) bool { return r.ConfigFile.Error == "" && synced("a")(r) })
	hits := s.hits[0].Load()
	s.write("d0/file", "2")
	s.eventually("a reload through the same gate", func(r status.Report) bool { return synced("a")(r) && s.hits[0].Load() > hits })
}

// POST /-/reload only checks the files now. Without a change the server gets no request.
func TestRereadWithoutAChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run(head + s.target(0, "a"))
	s.eventually("in sync", synced("a"))
	hits := s.hits[0].Load()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.app.Addr()+"/-/reload", nil)
	rig.Must(t, err)
	if status, body, err := rig.Do(req); err != nil || status != http.StatusAccepted {
		t.Errorf("POST /-/reload: %d %s, %v", status, body, err)
	}
	s.write("d0/file", "2")
	s.eventually("the change live", func(status.Report) bool { return s.hits[0].Load() == hits+1 })
	s.eventually("in sync again", synced("a"))
	if got := s.hits[0].Load() - hits; got != 1 {
		t.Errorf("%d requests for one change, want 1", got)
	}
}

// New tells a mistake of the user (ErrConfig, exit 2) from a fault of the environment (exit 1).
func TestErrorsOfNew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run(head + s.target(0, "a"))
	_, err := New(t.Context(), Options{Stderr: &s.log, Load: func([]byte) (config.Config, error) {
		cfg := config.Defaults()
		cfg.ListenAddress = s.app.Addr()
		return cfg, nil
	}})
	if err == nil || errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "another program has this port") {
		t.Errorf("a port in use: %v", err)
	}
	_, err = New(t.Context(), Options{Stderr: &s.log, Load: func([]byte) (config.Config, error) { return config.Config{}, errors.New("wrong") }})
	if !errors.Is(err, ErrConfig) || err.Error() != "wrong" {
		t.Errorf("a wrong configuration: %v", err)
	}
	_, err = New(t.Context(), Options{Stderr: &s.log, File: filepath.Join(s.dir, "missing")})
	if !errors.Is(err, ErrConfig) {
		t.Errorf("a missing file: %v", err)
	}
}

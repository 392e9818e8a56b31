// Package chaos does random things to a pod and asks the server itself, not reloader, what became of it.
package chaos

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"reloader/test/rig"
	"reloader/test/volume"
)

// poll is reloader's interval: without any event, a fault is over after it.
const poll = 2 * time.Second

// world is a pod with a real Prometheus, a network between the two that fails on demand, and a promcheck that
// does not always do its work.
type world struct {
	tb     testing.TB
	gated  bool
	dir    string
	volume *volume.Volume
	gate   string // empty in direct mode

	server   *container
	url      string // the server's own
	reloader *rig.Reloader
	net      *network
	stopped  bool   // the server has SIGSTOP
	check    string // the file that tells promcheck what to do
	config   string // reloader's own file

	mu     sync.Mutex
	known  map[string]string // what the files of a digest say, by digest
	newest string            // what the newest files say; empty while they are invalid
}

// network is the way from reloader to the server.
type network struct {
	fault    atomic.Pointer[string] // "", cut, 500, 403, slow
	inFlight atomic.Int32
	posts    atomic.Int64
	overlap  atomic.Bool // two reloads were in flight
}

func (n *network) set(fault string) { n.fault.Store(&fault) }

func (n *network) handler(target *url.URL) http.Handler {
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	n.set("")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n.posts.Add(1)
			if n.inFlight.Add(1) > 1 {
				n.overlap.Store(true)
			}
			defer n.inFlight.Add(-1)
		}
		switch *n.fault.Load() {
		case "cut":
			panic(http.ErrAbortHandler)
		case "500":
			http.Error(w, "chaos", http.StatusInternalServerError)
			return
		case "403": // a proxy that lets nothing but the reload through
			if r.Method != http.MethodPost && !strings.Contains(r.URL.Path, "runtimeinfo") {
				http.Error(w, "chaos", http.StatusForbidden)
				return
			}
		case "slow":
			select {
			case <-r.Context().Done():
				return
			case <-time.After(300 * time.Millisecond):
			}
		}
		forward.ServeHTTP(w, r)
	})
}

// promcheckScript does what its file says, and the real thing otherwise.
const promcheckScript = `#!/bin/sh
case "$(cat %q 2>/dev/null)" in
hang) exec sleep 1000 ;;
die) kill -9 $$ ;;
noise) head -c 100000 /dev/urandom; exit 0 ;;
empty) exit 0 ;;
esac
exec %q "$@"
`

func newWorld(tb testing.TB, gated bool) *world {
	tb.Helper()
	w := &world{tb: tb, gated: gated, dir: tb.TempDir(), known: map[string]string{}, net: &network{}}
	w.check, w.config = filepath.Join(w.dir, "check"), filepath.Join(w.dir, "own", "reloader.yml")
	script := filepath.Join(w.dir, "promcheck")
	rig.Must(tb, os.WriteFile(script, fmt.Appendf(nil, promcheckScript, w.check, rig.Program(tb, "promcheck")), 0o755))
	mount := filepath.Join(w.dir, "mount")
	w.volume = volume.New(tb, mount, files(0))
	main := filepath.Join(mount, "prometheus.yml")
	// In direct mode the server sees the mount under a path of its own, which can be made stale.
	served, seen := filepath.Join(w.dir, "served", "prometheus.yml"), main
	if gated {
		w.gate = filepath.Join(w.dir, "gate")
		served = filepath.Join(w.gate, "prometheus.yml")
	} else {
		seen += "=" + served
		w.mountAnew()
	}
	address := rig.FreeAddress(tb)
	w.url = "http://" + address
	w.server = &container{args: []string{rig.PrometheusBinary(tb), "--config.file=" + served, "--storage.tsdb.path=" + filepath.Join(w.dir, "tsdb"),
		"--web.listen-address=" + address, "--web.enable-lifecycle", "--log.level=info"}}
	tb.Cleanup(func() { w.server.stop() })
	target, err := url.Parse(w.url)
	rig.Must(tb, err)
	proxy := newProxy(tb, w.net.handler(target))
	own := fmt.Sprintf("poll_interval: %s\npromcheck: %s\ntargets:\n- name: prometheus\n  kind: prometheus\n  url: %s\n  config_file: %s\n", poll, script, proxy, seen)
	if gated {
		own += "  gate: " + w.gate + "\n"
	}
	rig.WriteTree(tb, filepath.Dir(w.config), map[string]string{"reloader.yml": own})
	w.reloader = rig.NewReloader(tb, "--config", w.config)
	w.learn(0)
	return w
}

// start starts reloader, and the server as soon as there is something to read.
func (w *world) start() {
	w.reloader.Start()
	if w.gated {
		rig.Eventually(w.tb, "a first generation", func() error {
			_, err := os.Stat(filepath.Join(w.gate, "prometheus.yml"))
			return err
		})
	}
	w.server.start()
}

// files are a good configuration that can be told from every other by what the server says of itself.
func files(n int) map[string]string {
	rule := func(i int) string {
		return fmt.Sprintf("groups:\n- name: g%d-%d\n  rules:\n  - record: generation%d\n    expr: vector(%d)\n", n, i, i, n)
	}
	f := map[string]string{
		"prometheus.yml": fmt.Sprintf("global:\n  external_labels: {generation: g%d}\nrule_files: [\"*.rules.yml\"]\n", n),
		"a.rules.yml":    rule(1),
	}
	if n%3 != 0 {
		f[fmt.Sprintf("b%d.rules.yml", n%3)] = rule(2)
	}
	return f
}

// broken are changes that no server may see.
func broken(n, kind int) map[string]string {
	f := files(n)
	switch kind {
	case 0:
		f["prometheus.yml"] = "global:\n  scrape_intervall: 15s\n"
	case 1:
		f["a.rules.yml"] = "groups:\n- name: g\n  rules:\n  - record: x\n    expr: sum(\n"
	case 2:
		f["a.rules.yml"] = "\x00 no yaml: ["
	case 3:
		f["prometheus.yml"] = ""
	default:
		delete(f, "prometheus.yml")
	}
	return f
}

const brokenKinds = 5

// says is what a server that runs the files of generation n answers.
func says(n int) string {
	f := files(n)
	groups := []string{fmt.Sprintf("g%d-1", n)}
	if len(f) == 3 {
		groups = append(groups, fmt.Sprintf("g%d-2", n))
	}
	return fmt.Sprintf("g%d %s", n, strings.Join(groups, " "))
}

// learn notes what the digest of the files that are mounted now stands for; n < 0: invalid files.
func (w *world) learn(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.newest = ""
	if n >= 0 {
		w.newest = says(n)
		o := rig.Command(w.tb, "digest", w.volume.Dir)
		digest, _, _ := strings.Cut(o.Stdout, " ")
		w.known[digest] = w.newest
	}
}

// serverSays is what the server itself says it runs; an error while it cannot be asked.
func (w *world) serverSays() (string, error) {
	var config struct{ Data struct{ YAML string } }
	if err := rig.GetJSON(w.tb, w.url+"/api/v1/status/config", &config); err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(config.Data.YAML, "generation: ")
	if !ok {
		return "none", nil
	}
	generation, _, _ := strings.Cut(rest, "\n")
	var rules struct {
		Data struct{ Groups []struct{ Name string } }
	}
	if err := rig.GetJSON(w.tb, w.url+"/api/v1/rules", &rules); err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString(generation)
	for _, g := range rules.Data.Groups {
		text.WriteString(" " + g.Name)
	}
	return text.String(), nil
}

// mountAnew lets the server see what is mounted now and later.
func (w *world) mountAnew() {
	served := filepath.Join(w.dir, "served")
	rig.Must(w.tb, os.RemoveAll(served))
	rig.Must(w.tb, os.Symlink(w.volume.Dir, served))
}

// mountStale leaves the server with the files of now, as a mount of single files by subPath does.
func (w *world) mountStale() {
	served := filepath.Join(w.dir, "served")
	rig.Must(w.tb, os.RemoveAll(served))
	rig.Must(w.tb, os.Mkdir(served, 0o755))
	entries, err := os.ReadDir(w.volume.Dir)
	rig.Must(w.tb, err)
	for _, e := range entries {
		if b, err := os.ReadFile(filepath.Join(w.volume.Dir, e.Name())); err == nil {
			rig.Must(w.tb, os.WriteFile(filepath.Join(served, e.Name()), b, 0o644))
		}
	}
}

// heal takes every fault away.
func (w *world) heal() {
	if !w.gated {
		w.mountAnew()
	}
	w.net.set("")
	_ = os.Remove(w.check)
	if w.stopped {
		w.server.signal(syscall.SIGCONT)
		w.stopped = false
	}
	w.server.start()
	if !w.reloader.Running() {
		w.reloader.Start()
	}
}

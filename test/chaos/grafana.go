package chaos

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// grafanaWorld is a pod with the fake Grafana: data sources, a dashboard provider and dashboards, each in a volume of its own.
type grafanaWorld struct {
	tb    testing.TB
	gated bool
	dir   string
	read  string // the provisioning directory that the server reads

	server   *grafanatest.Server
	reloader *rig.Reloader
	sources  *volume.Volume
	boards   *volume.Volume
	password string // the file with reloader's password
	wanted   string // the server's password
	faults   grafanatest.Faults
	n, board int // what is mounted; n is -1 while it is invalid
	refused  int // starts on files that the server refused

	mu    sync.Mutex
	known map[string]generation // by digest; more: dashboards
	lie   string
	since time.Time
}

func newGrafanaWorld(tb testing.TB, gated bool) *grafanaWorld {
	tb.Helper()
	w := &grafanaWorld{tb: tb, gated: gated, dir: tb.TempDir(), known: map[string]generation{}, wanted: "secret"}
	mount := filepath.Join(w.dir, "mount")
	w.sources = volume.New(tb, filepath.Join(mount, "datasources"), sourceFiles(0))
	w.boards = volume.New(tb, filepath.Join(w.dir, "boards"), boardFiles(0))
	volume.New(tb, filepath.Join(mount, "dashboards"), map[string]string{
		"p.yaml": "apiVersion: 1\nproviders:\n- name: chaos\n  type: file\n  updateIntervalSeconds: 3600\n  options: {path: " + w.boards.Dir + "}\n"})
	w.password = filepath.Join(w.dir, "password")
	w.follow()
	w.read = mount
	args := []string{"--poll-interval", poll.String(), "--grafana-provisioning", mount, "--grafana-username", "admin", "--grafana-password-file", w.password}
	if gated {
		w.read = filepath.Join(w.dir, "gate")
		args = append(args, "--grafana-gate", w.read)
	}
	// A locked user is unlocked soon, so that a rotated password works again within a phase.
	w.server = grafanatest.New(grafanatest.Options{Provisioning: w.read, Password: w.wanted, LockOut: 2 * time.Second})
	tb.Cleanup(w.server.Close)
	w.reloader = rig.NewReloader(tb, append(args, "--grafana-url", w.server.URL)...)
	w.reloader.Restart = mayEnd(w.reloader.Log)
	w.learn()
	return w
}

func sourceFiles(n int) map[string]string {
	return map[string]string{"a.yaml": fmt.Sprintf("apiVersion: 1\ndatasources:\n- {name: A, uid: a, type: prometheus, access: proxy, url: 'http://g%d'}\n", n)}
}

func brokenSources(n int) map[string]string {
	f := sourceFiles(n)
	f["a.yaml"] += []string{"  isDefault: yes please\n", "- null\n", "\x00", "- {name: B, uid: b, type: prometheus, orgId: nine}\n"}[n%4]
	return f
}

func boardFiles(n int) map[string]string {
	return map[string]string{"b.json": fmt.Sprintf(`{"uid": "b", "title": "d%d"}`, n)}
}

func grafanaSays(n, board int) string { return fmt.Sprintf("http://g%d d%d", n, board) }

// learn notes which generations the digests of the mounted files belong to.
func (w *grafanaWorld) learn() {
	digest := func(dir string) string {
		d, _, _ := strings.Cut(rig.Command(w.tb, "digest", dir).Stdout, " ")
		return d
	}
	sources, boards := digest(w.sources.Dir), digest(w.boards.Dir)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n >= 0 {
		w.known[sources] = generation{n: w.n}
	}
	w.known[boards] = generation{n: w.board, more: true}
}

func (w *grafanaWorld) swap(n int) {
	w.sources.Swap(sourceFiles(n))
	w.n = n
	w.learn()
}

func (w *grafanaWorld) swapBoards(n int) {
	w.boards.Swap(boardFiles(n))
	w.board = n
	w.learn()
}

// follow gives reloader the server's password.
func (w *grafanaWorld) follow() { rig.Must(w.tb, os.WriteFile(w.password, []byte(w.wanted), 0o600)) }

// fault changes the server's faults.
func (w *grafanaWorld) fault(change func(f *grafanatest.Faults)) {
	change(&w.faults)
	w.server.SetFaults(w.faults)
}

func (w *grafanaWorld) restart() {
	if err := w.server.Restart(); err != nil {
		w.refused++
	}
}

// ask reads from the server's own API. The faults also apply to the test: while the server is down or refuses reads, what it
// runs is unknown.
func (w *grafanaWorld) ask(ctx context.Context, path string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.URL+path, nil)
	if err != nil {
		return err
	}
	w.mu.Lock()
	req.SetBasicAuth("admin", w.wanted)
	w.mu.Unlock()
	return rig.DoJSON(req, v)
}

func (w *grafanaWorld) serverSays(ctx context.Context) (string, error) {
	var ds struct{ URL string }
	if err := w.ask(ctx, "/api/datasources/uid/a", &ds); err != nil {
		return "", err
	}
	var b struct{ Dashboard struct{ Title string } }
	if err := w.ask(ctx, "/api/dashboards/uid/b", &b); err != nil {
		return "", err
	}
	return ds.URL + " " + b.Dashboard.Title, nil
}

// claims is what the server runs if the status is true.
func (w *grafanaWorld) claims(s reload.Status) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return claimed(w.known, s, grafanaSays)
}

func (w *grafanaWorld) start() { w.reloader.Start() }

func (w *grafanaWorld) heal() {
	w.fault(func(f *grafanatest.Faults) { *f = grafanatest.Faults{} })
	w.follow()
	if !w.reloader.Running() {
		w.reloader.Start()
	}
}

func (w *grafanaWorld) end() error {
	if w.reloader.Running() {
		if code := w.reloader.Stop(); code != 0 {
			return fmt.Errorf("reloader ended with exit code %d", code)
		}
	}
	if w.gated && w.refused > 0 {
		return fmt.Errorf("a start of Grafana on what the gate held failed, %d times", w.refused)
	}
	return nil
}

// active are the faults that heal ends.
func (w *grafanaWorld) active() []string {
	var all []string
	add := func(name string, is bool) {
		if is {
			all = append(all, name)
		}
	}
	f := w.faults
	add("server away", f.Down)
	add("reloads hang", f.Hang)
	add("reloads are answered 200 and not done", f.Ignore)
	add("no /metrics", f.NoMetrics)
	add("reads are answered 403", f.Refuse.Path != "")
	b, _ := os.ReadFile(w.password)
	add("password rotated on the server alone", string(b) != w.wanted)
	add("the newest files broken", w.n < 0)
	return all
}

func (w *grafanaWorld) calmed(n int) error {
	faults := w.active()
	w.heal()
	w.swapBoards(n)
	w.swap(n)
	began := time.Now()
	const limit = 60 * time.Second // a locked user, a poll interval, a reload
	var last string
	for time.Since(began) < limit {
		said, err := w.serverSays(w.tb.Context())
		s, err2 := statusOf(w.tb.Context(), w.reloader.URL)
		if err == nil && err2 == nil && s.Phase == reload.InSync && s.Running == s.Wanted && said == grafanaSays(n, n) && w.claims(s) == said {
			mode := "Grafana, direct"
			if w.gated {
				mode = "Grafana, gated"
			}
			recovered(mode, faults, time.Since(began))
			if err := w.rests(); err != nil {
				return fmt.Errorf("after %s ended: %w", strings.Join(faults, ", "), err)
			}
			return bounded(w.tb, w.reloader.URL)
		}
		last = fmt.Sprintf("phase %s, reason %q, failure %+v, claims %q, %v; the server says %q, %v", s.Phase, s.Reason, s.Failure, w.claims(s), err2, said, err)
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("%s after the last fault ended (%s) Grafana does not run the newest files (%s): %s", limit, strings.Join(faults, ", "), grafanaSays(n, n), last)
}

// rests checks that a Grafana in sync is left alone: without a change or a doubt there is no reload. Grafana shows everything in
// these files, so a look ends every doubt, even one about a restart.
func (w *grafanaWorld) rests() error {
	before := len(w.server.Calls())
	w.boards.Swap(boardFiles(w.board))
	w.sources.Swap(sourceFiles(w.n))
	hangUp(w.reloader)
	time.Sleep(poll + poll/2)
	if n := len(w.server.Calls()) - before; n != 0 {
		return fmt.Errorf("%d reloads without a change or a doubt", n)
	}
	return nil
}

// watch looks for lies, for invalid files in the gate and for two reloads at once.
func (w *grafanaWorld) watch(ctx context.Context) string {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ""
		case <-tick.C:
			if broken := w.look(ctx); broken != "" {
				return broken
			}
		}
	}
}

func (w *grafanaWorld) look(ctx context.Context) string {
	if w.server.Overlapped() {
		return "two reloads were in flight at the same time"
	}
	if b, err := os.ReadFile(filepath.Join(w.read, "datasources", "a.yaml")); w.gated && err == nil {
		if text := string(b); strings.Contains(text, "please") || strings.Contains(text, "null") || strings.Contains(text, "\x00") || strings.Contains(text, "nine") || text == "" {
			return fmt.Sprintf("the gate shows invalid data sources: %q", text)
		}
	}
	s, err := statusOf(ctx, w.reloader.URL)
	claimed := w.claims(s)
	said, err2 := w.serverSays(ctx)
	if err != nil || err2 != nil || s.Phase != reload.InSync || claimed == "" || said == claimed {
		w.lie = ""
		return ""
	}
	if after, err := statusOf(ctx, w.reloader.URL); err != nil || after.Phase != reload.InSync || w.claims(after) != claimed {
		w.lie = "" // the server answered late, and the status has changed since
		return ""
	}
	if lie := claimed + ", and it says itself that it runs " + said; lie != w.lie {
		w.lie, w.since = lie, time.Now()
	} else if time.Since(w.since) > lieLimit {
		return fmt.Sprintf("for %s the status has said that Grafana runs %s", lieLimit, lie)
	}
	return ""
}

package prometheus

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/test/rig"
)

// generation is a good configuration that differs from every other generation.
func generation(n int) map[string]string {
	return map[string]string{
		"prometheus.yml": fmt.Sprintf("global:\n  external_labels:\n    generation: \"g%d\"\nrule_files: [rules.yml]\n", n),
		"rules.yml":      fmt.Sprintf("groups:\n- name: g%d\n  rules:\n  - record: generation\n    expr: vector(%d)\n", n, n),
	}
}

// label is the line of generation n that the server shows.
func label(n int) string { return fmt.Sprintf("generation: g%d\n", n) }

// with replaces one file of a generation.
func with(files map[string]string, name, text string) map[string]string {
	files[name] = text
	return files
}

// A good change takes one reload. A broken one takes none, and status, metrics, log, check and wait all say why. Its fix takes one
// again.
func TestFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, generation(0))
	d := w.start()
	d.reaches(reload.InSync)

	before := w.prometheus.Posts.Load()
	expectPosts := func(n int64, what string) {
		t.Helper()
		if got := w.prometheus.Posts.Load() - before; got != n {
			t.Errorf("%s: %d reload requests, want %d", what, got, n)
		}
	}
	live := func(n int) {
		t.Helper()
		s := d.reaches(reload.InSync)
		if err := w.prometheus.Runs(label(n)); err != nil {
			t.Error(err)
		}
		if s.Running != s.Wanted || d.Metric(`reloader_last_reload_successful{target="prometheus"}`) != "1" {
			t.Errorf("in sync, but running %s, wanted %s", s.Running, s.Wanted)
		}
	}
	rejected := func(n int, file string, line int, part string) {
		t.Helper()
		s := d.reaches(reload.Rejected)
		place := fmt.Sprintf("%s:%d", filepath.Join(w.volume.Dir, file), line)
		found := false
		for _, f := range s.Findings {
			found = found || strings.HasPrefix(f.Position(), place) && strings.Contains(f.Message, part)
		}
		if !found {
			t.Errorf("no finding at %s with %q: %v", place, part, s.Findings)
		}
		d.Log.Has(t, place)
		if got := d.Metric(`reloader_last_reload_successful{target="prometheus"}`); got != "0" {
			t.Errorf("reloader_last_reload_successful = %s, want 0", got)
		}
		if got := d.Metric(`reloader_findings{severity="error",target="prometheus"}`); got == "0" {
			t.Error("reloader_findings counts no error")
		}
		for _, args := range [][]string{{"check", "--prometheus-config", w.config()}, {"status", "--url", d.URL}} {
			if o := rig.Command(t, args...); o.Code != 1 || !strings.Contains(o.Stdout, place) {
				t.Errorf("reloader %s: exit code %d, want 1 and %s in\n%s%s", args[0], o.Code, place, o.Stdout, o.Stderr)
			}
		}
		if o := rig.Command(t, "wait", "--url", d.URL, "--dir", w.volume.Dir, "--timeout", "1m"); o.Code != 1 || !strings.Contains(o.Stderr, place) {
			t.Errorf("reloader wait: exit code %d, want 1 and %s in\n%s", o.Code, place, o.Stderr)
		}
		if err := w.prometheus.Runs(label(n)); err != nil {
			t.Error(err)
		}
	}

	w.volume.Swap(generation(1))
	live(1)
	expectPosts(1, "a good change")
	if o := rig.Command(t, "wait", "--url", d.URL, "--dir", w.volume.Dir, "--timeout", "1m"); o.Code != 0 {
		t.Errorf("reloader wait: %+v", o)
	}

	w.volume.Swap(with(generation(2), "prometheus.yml", "global:\n  scrape_intervall: 15s\n"))
	rejected(1, "prometheus.yml", 2, "scrape_intervall")
	expectPosts(1, "a broken prometheus.yml")

	w.volume.Swap(generation(3))
	live(3)
	expectPosts(2, "its fix")

	w.volume.Swap(with(generation(4), "rules.yml", "groups:\n- name: g\n  rules:\n  - record: x\n    expr: sum(\n"))
	rejected(3, "rules.yml", 5, "")
	expectPosts(2, "a broken rule file")

	w.volume.Swap(generation(5))
	live(5)
	expectPosts(3, "its fix")
}

// After swaps at random times the last files are live. No reload failed, and there are not more reloads than swaps.
func TestSwapsAtRandomTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, generation(0))
	d := w.start()
	d.reaches(reload.InSync)
	random := rand.New(rand.NewPCG(1, 2))
	const swaps = 200
	for n := 1; n <= swaps; n++ {
		w.volume.Swap(generation(n))
		// Some swaps come while reloader is idle, others while it still works on the previous one.
		if random.IntN(10) == 0 {
			rig.Eventually(t, "live", func() error { return w.prometheus.Runs(label(n)) })
		} else {
			time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
		}
	}
	s := d.reaches(reload.InSync)
	if err := w.prometheus.Runs(label(swaps)); err != nil {
		t.Error(err)
	}
	if s.Counts.ReloadsFailed != 0 || s.Counts.ChangesFailed != 0 {
		t.Errorf("failures among good changes: %+v", s.Counts)
	}
	if posts := w.prometheus.Posts.Load(); posts > swaps+1 {
		t.Errorf("%d reload requests for %d swaps", posts, swaps)
	}
}

// reloader is killed at the moment of its request, which never reaches Prometheus. After its start the files are live, also those of
// a swap while it was down.
func TestKilledBetweenSwapAndReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, generation(0))
	d := w.start()
	d.reaches(reload.InSync)
	killed := make(chan struct{})
	kill := func() bool {
		d.Kill()
		close(killed)
		return false
	}
	w.prometheus.OnPost.Store(&kill)
	w.volume.Swap(generation(1))
	select {
	case <-killed:
	case <-time.After(rig.Patience):
		t.Fatal("no reload request")
	}
	w.prometheus.OnPost.Store(nil)
	if err := w.prometheus.Runs(label(0)); err != nil {
		t.Fatal(err)
	}
	again := w.start()
	again.reaches(reload.InSync)
	if err := w.prometheus.Runs(label(1)); err != nil {
		t.Error(err)
	}

	// The same with a change while no reloader runs.
	again.Kill()
	w.volume.Swap(generation(2))
	w.start().reaches(reload.InSync)
	if err := w.prometheus.Runs(label(2)); err != nil {
		t.Error(err)
	}
}

// The files change at the moment when the server loads them, and change back right after it. They differ only in a password, which the server
// does not show: reloader reloads once more, and the server uses the right password. Without such a change there is one reload.
func TestFilesChangeBackDuringAReload(t *testing.T) {
	t.Parallel()
	var used atomic.Pointer[string]
	scraped := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		used.Store(&password)
	}))
	t.Cleanup(scraped.Close)
	with := func(password string) map[string]string {
		return map[string]string{"prometheus.yml": `scrape_configs:
- job_name: a
  scrape_interval: 100ms
  scrape_timeout: 100ms
  basic_auth: {username: u, password: ` + password + `}
  static_configs: [{targets: ["` + strings.TrimPrefix(scraped.URL, "http://") + `"]}]
`}
	}
	uses := func(password string) {
		t.Helper()
		rig.Eventually(t, "the server uses "+password, func() error {
			if p := used.Load(); p == nil || *p != password {
				return errors.New("it uses another one")
			}
			return nil
		})
	}
	w := newWorld(t, with("first"))
	d := w.start()
	d.reaches(reload.InSync)
	before := w.prometheus.Posts.Load()
	w.volume.Swap(with("second"))
	d.reaches(reload.InSync)
	uses("second")
	if n := w.prometheus.Posts.Load() - before; n != 1 {
		t.Errorf("%d reloads for one change", n)
	}

	away := func() bool { w.volume.Swap(with("other")); return true }
	back := func() {
		w.prometheus.OnPost.Store(nil)
		w.prometheus.Posted.Store(nil)
		w.volume.Swap(with("third"))
	}
	before = w.prometheus.Posts.Load()
	w.prometheus.OnPost.Store(&away)
	w.prometheus.Posted.Store(&back)
	w.volume.Swap(with("third"))
	rig.Eventually(t, "two reloads", func() error {
		if n := w.prometheus.Posts.Load() - before; n != 2 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	d.reaches(reload.InSync)
	uses("third")
}

// A server that already runs the files at a start of reloader is asked, but not reloaded.
func TestStartWithoutReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, generation(0))
	w.start().reaches(reload.InSync)
	first := w.prometheus.Posts.Load()
	w.start().reaches(reload.InSync)
	if again := w.prometheus.Posts.Load() - first; first != 0 || again != 0 {
		t.Errorf("%d reload requests at the first start, %d at the second, want none", first, again)
	}
}

package prometheus

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// A proxy hides from reloader what the server runs. At the start, reloader therefore reloads once. The proof says that it is only the time of
// that load, and the status names what was not compared. Nothing more happens until the files change or reloader starts again.
func TestNothingIsShown(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]func(w http.ResponseWriter){
		"answered 403":   func(w http.ResponseWriter) { http.Error(w, "forbidden", http.StatusForbidden) },
		"answered 404":   func(w http.ResponseWriter) { http.Error(w, "not found", http.StatusNotFound) },
		"a login page":   func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>please log in</html>") },
		"another answer": func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"status":"success","data":{}}`) },
	} {
		says := name
		if !strings.HasPrefix(name, "answered 40") {
			says = "answered something other than Prometheus' API"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := func(job string) map[string]string {
				return map[string]string{
					"prometheus.yml": rig.Jobs("rule_files: [a.rules]\nscrape_config_files: [jobs.scrape]\n", "self", job), "jobs.scrape": filesJob, "a.rules": rules("up == 0"),
				}
			}
			v := volume.New(t, filepath.Join(t.TempDir(), "v"), files("one"))
			config := filepath.Join(v.Dir, "prometheus.yml")
			server := rig.NewPrometheus(t, config)
			server.Start()
			server.Ready()
			closed := []string{"/api/v1/status/config", "/api/v1/rules", "/api/v1/scrape_pools", "/api/v1/scrape_pools/config", "/api/v1/targets"}
			url := answer(t, server.Proxy, func(w http.ResponseWriter, path string) bool {
				if !slices.Contains(closed, path) {
					return false
				}
				say(w)
				return true
			})
			r := rig.NewReloader(t, "--prometheus-url", url, "--prometheus-config", config, "--poll-interval", "1s")
			r.Start()
			p := &pair{r, t, server, v}
			proven := func(posts int64, what string) {
				t.Helper()
				s := p.synced()
				if !strings.HasPrefix(s.Proof, "time of the last load only: configuration: /api/v1/status/config") || !strings.Contains(s.Proof, says) || len(s.NotCompared) < 3 {
					t.Errorf("%s: proof %q, not compared %q", what, s.Proof, s.NotCompared)
				}
				if got := server.Posts.Load(); got != posts {
					t.Errorf("%s: %d reload requests, want %d", what, got, posts)
				}
			}
			proven(1, "at the start")
			p.Log.Has(t, "the proof does not cover everything")
			looked := p.synced().Looked
			rig.Eventually(t, "another look at the server", func() error {
				rig.Command(t, "wait", "--synced", "--url", p.URL, "--timeout", "5s")
				if s := p.synced(); !s.Looked.After(looked) {
					return fmt.Errorf("the last look was at %s", s.Looked)
				}
				return nil
			})
			proven(1, "after another look")
			v.Swap(files("two"))
			rig.Eventually(t, "the change is live", func() error { return server.Runs("job_name: two") })
			p.ReachesWith(v.Dir, reload.InSync)
			proven(2, "after a change")
			p.Stop()
			p.Start()
			proven(3, "after a restart of reloader")
		})
	}
}

// Two reloaders follow one server whose files have secrets, which it does not show. For each, a reload by the other is one by someone
// else. They do not go on answering each other's reloads.
func TestTwoReloaders(t *testing.T) {
	t.Parallel()
	main := rig.Jobs("", "self") + "  basic_auth: {username: u, password: p}\n"
	v := newVolume(t, "prometheus.yml", main)
	config := filepath.Join(v.Dir, "prometheus.yml")
	server := rig.NewPrometheus(t, config)
	one := startPair(t, server, v, "--prometheus-config", config)
	two := follow(t, server, v, "--prometheus-config", config)
	one.synced()
	two.synced()
	v.Swap(map[string]string{"prometheus.yml": strings.Replace(main, "password: p", "password: q", 1)})
	for _, p := range []*pair{one, two} {
		p.ReachesWith(v.Dir, reload.InSync)
	}
	posts := server.Posts.Load()
	looks := 0
	last := one.synced().Looked
	rig.Eventually(t, "eight looks at the server", func() error {
		rig.Command(t, "wait", "--synced", "--url", one.URL, "--timeout", "5s")
		rig.Command(t, "wait", "--synced", "--url", two.URL, "--timeout", "5s")
		if s, err := one.Status(); err == nil && s.Looked.After(last) {
			last = s.Looked
			looks++
		}
		if looks < 8 {
			return fmt.Errorf("%d looks", looks)
		}
		return nil
	})
	got := server.Posts.Load() - posts
	t.Logf("%d reload requests before, %d in %d looks", posts, got, looks)
	if got > 3 {
		t.Errorf("%d reload requests without a change", got)
	}
}

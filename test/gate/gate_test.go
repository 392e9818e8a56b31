package gate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/test/rig"
)

// generation is a good configuration that differs from every other one. Rule files are added and removed between generations.
func generation(n int) map[string]string {
	rules := func(i int) string {
		return fmt.Sprintf("groups:\n- name: g%d\n  rules:\n  - record: generation%d\n    expr: vector(%d)\n", n, i, n)
	}
	return map[string]string{
		"prometheus.yml":                  fmt.Sprintf("global:\n  external_labels:\n    generation: \"g%d\"\nrule_files: [\"*.rules.yml\"]\n", n),
		"a.rules.yml":                     rules(1),
		fmt.Sprintf("b%d.rules.yml", n%3): rules(2),
		fmt.Sprintf("unused%d.txt", n%4):  "",
	}
}

func with(files map[string]string, name, text string) map[string]string {
	files = maps.Clone(files)
	files[name] = text
	return files
}

// bad returns invalid files, which no server may read.
func bad(n, kind int) map[string]string {
	files := generation(n)
	switch kind {
	case 0:
		return with(files, "prometheus.yml", "global:\n  scrape_intervall: 15s\n")
	case 1:
		return with(files, "a.rules.yml", "groups:\n- name: g\n  rules:\n  - record: x\n    expr: sum(\n")
	case 2:
		return with(files, "c.rules.yml", "\x00 no yaml: [")
	case 3:
		return with(files, "prometheus.yml", files["prometheus.yml"]+"scrape_configs:\n- job_name: a\n- job_name: a\n")
	case 4:
		return with(files, "prometheus.yml", "")
	default:
		delete(files, "prometheus.yml")
		return files
	}
}

const badKinds = 6

// A bad change that no one notices would keep a Prometheus that reads its ConfigMap from starting again. With the gate, every restart
// works.
func TestRestartAfterABadChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, generation(0))
	w.start()
	w.prometheus.Ready()
	w.reaches(reload.InSync)
	for kind := range badKinds {
		w.volume.Swap(bad(kind+1, kind))
		s := w.reaches(reload.Rejected)
		if len(s.Findings) == 0 || w.reloader.Metric(`reloader_last_reload_successful{target="prometheus"}`) != "0" {
			t.Errorf("bad change %d: rejected with %d findings", kind, len(s.Findings))
		}
		w.prometheus.Kill()
		w.prometheus.Start()
		w.prometheus.Ready()
		if err := w.runs(0); err != nil {
			t.Errorf("after bad change %d: %v", kind, err)
		}
	}
	w.volume.Swap(generation(9))
	w.reaches(reload.InSync)
	if err := w.runs(9); err != nil {
		t.Error(err)
	}
	w.healthy()
}

// 100 random changes, half of them bad, with kill -9 of either program at random times: Prometheus never reads invalid
// files, and in the end runs the newest valid ones.
func TestRandomChangesAndKills(t *testing.T) {
	t.Parallel()
	w := newWorld(t, generation(0))
	w.start()
	random := rand.New(rand.NewPCG(4, 4))
	newest, kills := 0, 0
	for n := 1; n <= 100; n++ {
		if random.IntN(2) == 0 {
			w.volume.Swap(bad(n, random.IntN(badKinds)))
		} else {
			w.volume.Swap(generation(n))
			newest = n
		}
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		if random.IntN(6) == 0 {
			w.prometheus.Kill()
			kills++
			w.prometheus.Start()
		}
		if random.IntN(6) == 0 {
			w.reloader.Kill()
			kills++
			w.reloader.Start()
		}
		if random.IntN(10) == 0 {
			w.prometheus.Ready()
		}
	}
	// The last change may be bad, and reloader need not have seen the last good one. So one more good change follows.
	newest++
	w.volume.Swap(generation(1000 + newest))
	w.prometheus.Ready()
	w.reaches(reload.InSync)
	if err := w.runs(1000 + newest); err != nil {
		t.Error(err)
	}
	w.volume.Swap(bad(1, 1))
	w.reaches(reload.Rejected)
	w.prometheus.Kill()
	w.prometheus.Start()
	w.prometheus.Ready()
	if err := w.runs(1000 + newest); err != nil {
		t.Errorf("after one more restart: %v", err)
	}
	w.healthy()
	t.Logf("%d kills, %d reload requests", kills, w.prometheus.Posts.Load())
}

// refusedAtWork passes every check, but this server cannot run it: a file that only the server's container could have
// is missing.
func refusedAtWork(n int) map[string]string {
	files := generation(n)
	files["prometheus.yml"] += "remote_write:\n- url: https://127.0.0.1:1/write\n  tls_config: {ca_file: /nowhere/ca.pem}\n"
	return files
}

// The server refuses files that the validator accepts. The gate goes back to the last good files, the server loads
// those again, and the refused files are not tried again until they change.
func TestRefusedByTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, generation(0))
	w.start()
	w.prometheus.Ready()
	w.reaches(reload.InSync)
	good := w.prometheus.Posts.Load()

	w.volume.Swap(refusedAtWork(1))
	s := w.reaches(reload.RolledBack)
	if !strings.Contains(s.Reason, "Prometheus applied only part of the new configuration") {
		t.Errorf("the reason does not show what the server said: %q", s.Reason)
	}
	rig.Eventually(t, "the last good files run", func() error {
		if s, err := w.reloader.Status(); err != nil || s.Running.IsZero() || s.Running == s.Wanted {
			return fmt.Errorf("running %s, %w", s.Running, err)
		}
		return w.runs(0)
	})
	if b, err := os.ReadFile(filepath.Join(w.gate, "prometheus.yml")); err != nil || string(b) != generation(0)["prometheus.yml"] {
		t.Errorf("the gate holds %q, %v", b, err)
	}
	if n := w.prometheus.Posts.Load() - good; n != 2 {
		t.Errorf("%d reload requests, want one that is refused and one for the rollback", n)
	}

	// A restart of the server and rereads change nothing.
	tried := w.prometheus.Posts.Load()
	for range 3 {
		w.reloader.Reread()
	}
	w.prometheus.Kill()
	w.prometheus.Start()
	w.prometheus.Ready()
	rig.Eventually(t, "still rolled back", func() error {
		s, err := w.reloader.Status()
		if err != nil || s.Phase != reload.RolledBack || s.Running.IsZero() {
			return fmt.Errorf("phase %s, running %s, %w", s.Phase, s.Running, err)
		}
		return w.runs(0)
	})
	if n := w.prometheus.Posts.Load() - tried; n > 1 {
		t.Errorf("%d more reload requests for the refused files, want at most one for the restarted server", n)
	}

	w.volume.Swap(generation(2))
	w.reaches(reload.InSync)
	if err := w.runs(2); err != nil {
		t.Error(err)
	}
}

// The web configuration goes through the gate with the other files. Prometheus reads it for each request, so a broken one would take
// down its API at once, and prevent its next start.
func TestBrokenWebConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, with(generation(0), "web.yml", "http_server_config: {http2: true}\n"))
	w.prometheus = rig.NewPrometheusIn(t, filepath.Join(w.gate, "prometheus.yml"), "", "--web.config.file="+filepath.Join(w.gate, "web.yml"))
	w.reloader = rig.NewReloader(t, "--prometheus-url", w.prometheus.Proxy, "--prometheus-config", filepath.Join(w.volume.Dir, "prometheus.yml"), "--prometheus-gate", w.gate)
	w.start()
	w.reaches(reload.InSync)
	w.volume.Swap(with(generation(1), "web.yml", "http_server_config: {http3: true}\n"))
	w.reaches(reload.Rejected)
	if err := w.runs(0); err != nil {
		t.Error(err)
	}
	w.prometheus.Kill()
	w.prometheus.Start()
	w.prometheus.Ready()
	w.volume.Swap(with(generation(2), "web.yml", "http_server_config: {http2: false}\n"))
	w.reaches(reload.InSync)
	if err := w.runs(2); err != nil {
		t.Error(err)
	}
	w.healthy()
}

// Package bench measures the figures of docs/benchmarks.md; `make bench` prints them. Because machines differ, each
// figure is compared with a baseline of the same run: an inotify event and a POST.
package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"reloader/internal/grafana/grafanatest"
	"reloader/test/volume"
)

// arrivals is a server that reports when reload requests arrive.
type arrivals struct {
	URL string
	at  chan time.Time
}

// generic answers every POST with 200.
func generic(tb testing.TB) *arrivals {
	a := &arrivals{at: make(chan time.Time, 1000)}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			a.at <- time.Now()
		}
	}))
	tb.Cleanup(srv.Close)
	a.URL = srv.URL
	return a
}

// prometheus is as much of a Prometheus as a reload needs. It takes no time of its own.
func prometheus(tb testing.TB) *arrivals {
	a := &arrivals{at: make(chan time.Time, 1000)}
	var loaded atomic.Int64
	loaded.Store(time.Now().Add(-time.Hour).UnixNano())
	answer := func(w http.ResponseWriter, data any) {
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /-/reload", func(http.ResponseWriter, *http.Request) {
		a.at <- time.Now()
		loaded.Store(time.Now().UnixNano())
	})
	mux.HandleFunc("GET /-/ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /api/v1/status/buildinfo", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{"version": "3.15.0"})
	})
	mux.HandleFunc("GET /api/v1/status/flags", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{}) })
	mux.HandleFunc("GET /api/v1/status/runtimeinfo", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"startTime": "2026-01-01T00:00:00Z", "reloadConfigSuccess": true,
			"lastConfigTime": time.Unix(0, loaded.Load()).UTC().Format(time.RFC3339Nano),
		})
	})
	srv := httptest.NewServer(mux)
	tb.Cleanup(srv.Close)
	a.URL = srv.URL
	return a
}

// swapToRequest measures from the rename that commits a change to the arrival of the reload request.
func swapToRequest(b *testing.B, v *volume.Volume, at <-chan time.Time, change func(i int) map[string]string) {
	b.Helper()
	var took []time.Duration
	i := 0
	for b.Loop() {
		i++
		drain(at)
		committed := v.Swap(change(i))
		select {
		case arrived := <-at:
			took = append(took, arrived.Sub(committed))
		case <-time.After(30 * time.Second):
			b.Fatal("no reload request within 30 s")
		}
		b.StopTimer()
		quiet(at)
		b.StartTimer()
	}
	report(b, took)
}

// quiet waits until no request arrives for a while: reloader has then proven the change, and samples are independent.
func quiet(at <-chan time.Time) {
	for {
		select {
		case <-at:
		case <-time.After(1100 * time.Millisecond): // longer than a burst
			return
		}
	}
}

// drain forgets the requests that have arrived.
func drain(at <-chan time.Time) {
	for {
		select {
		case <-at:
		default:
			return
		}
	}
}

// report prints quantiles of the samples, and their ratio to the baseline.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
	b.ReportMetric(0, "ns/op") // the loop's own time says nothing
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.95), "p95-ms")
	b.ReportMetric(ms(1), "max-ms")
	switch {
	case b.Name() == "BenchmarkBaseline":
		baseline = ms(0.5)
	case baseline > 0:
		b.ReportMetric(ms(0.5)/baseline, "p50/baseline")
	}
}

// baseline is the median of BenchmarkBaseline, which runs first.
var baseline float64

// BenchmarkBaseline is the least that any reloader needs: an inotify event and a POST, without
// reading, judging or proving anything.
func BenchmarkBaseline(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "mount")
	v := volume.New(b, dir, map[string]string{"config.yml": "0"})
	a := generic(b)
	w, err := fsnotify.NewWatcher()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if err := w.Add(dir); err != nil {
		b.Fatal(err)
	}
	go func() {
		for e := range w.Events {
			if filepath.Base(e.Name) != "..data" {
				continue
			}
			resp, err := http.Post(a.URL, "", nil) //nolint:noctx // the shortest way
			if err == nil {
				_ = resp.Body.Close()
			}
		}
	}()
	swapToRequest(b, v, a.at, func(i int) map[string]string { return map[string]string{"config.yml": fmt.Sprint(i)} })
}

// BenchmarkGeneric is a target without validation.
func BenchmarkGeneric(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "mount")
	v := volume.New(b, dir, map[string]string{"config.yml": "0"})
	a := generic(b)
	reloader(b, "--http-url="+a.URL, "--http-dir="+dir)
	quiet(a.at)
	swapToRequest(b, v, a.at, func(i int) map[string]string { return map[string]string{"config.yml": fmt.Sprint(i)} })
}

// BenchmarkGrafana changes a data source file, which is validated before the reload.
func BenchmarkGrafana(b *testing.B) {
	provisioning := b.TempDir()
	datasource := func(i int) map[string]string {
		return map[string]string{"datasource.yaml": fmt.Sprintf(
			"apiVersion: 1\ndatasources:\n  - name: Prometheus\n    uid: prom\n    type: prometheus\n    url: http://127.0.0.1:%d\n", 9000+i)}
	}
	v := volume.New(b, filepath.Join(provisioning, "datasources"), datasource(0))
	g := grafanatest.New(grafanatest.Options{Provisioning: provisioning})
	b.Cleanup(g.Close)
	at := make(chan time.Time, 1000)
	g.OnReload(func(string) { at <- time.Now() })
	b.Setenv("GF_SECURITY_ADMIN_PASSWORD", "admin")
	reloader(b, "--grafana-url="+g.URL, "--grafana-provisioning="+provisioning)
	quiet(at)
	swapToRequest(b, v, at, datasource)
}

// prometheusFiles are a main file and this many rule files. Every i gives other contents.
func prometheusFiles(i, rules int) map[string]string {
	files := map[string]string{"prometheus.yml": "global:\n  scrape_interval: 15s\nrule_files:\n  - rules-*.yml\nscrape_configs:\n  - job_name: node\n    static_configs:\n      - targets: [\"127.0.0.1:9100\"]\n"}
	if rules == 0 {
		files["prometheus.yml"] += fmt.Sprintf("      - targets: [\"127.0.0.1:%d\"]\n", 9200+i)
	}
	for n := range rules {
		expr := "up == 0"
		if n == 0 {
			expr = fmt.Sprintf("up == %d", i)
		}
		files[fmt.Sprintf("rules-%05d.yml", n)] = fmt.Sprintf("groups:\n  - name: group-%d\n    rules:\n      - alert: Down%d\n        expr: %s\n        for: 5m\n", n, n, expr)
	}
	return files
}

// BenchmarkPrometheus changes prometheus.yml, or one of many rule files. All files are validated before the reload.
func BenchmarkPrometheus(b *testing.B) {
	for _, rules := range []int{0, 1_000, 10_000} {
		b.Run(fmt.Sprintf("rules-%d", rules), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "mount")
			v := volume.New(b, dir, prometheusFiles(0, rules))
			a := prometheus(b)
			reloader(b, "--prometheus-url="+a.URL, "--prometheus-config="+filepath.Join(dir, "prometheus.yml"))
			select {
			case <-a.at: // the first reload, because it is unknown what runs
			case <-time.After(60 * time.Second):
				b.Fatal("no first reload within 60 s")
			}
			quiet(a.at)
			swapToRequest(b, v, a.at, func(i int) map[string]string { return prometheusFiles(i, rules) })
		})
	}
}

// BenchmarkVolumes changes one of many rule files that are in another volume than prometheus.yml.
func BenchmarkVolumes(b *testing.B) {
	for _, rules := range []int{1, 1_000} {
		b.Run(fmt.Sprintf("rules-%d", rules), func(b *testing.B) {
			dir := b.TempDir()
			files := func(i int) map[string]string {
				all := prometheusFiles(i, rules)
				delete(all, "prometheus.yml")
				return all
			}
			main := strings.Replace(prometheusFiles(0, rules)["prometheus.yml"], "rules-*.yml", filepath.Join(dir, "rules", "*.yml"), 1)
			volume.New(b, filepath.Join(dir, "config"), map[string]string{"prometheus.yml": main})
			v := volume.New(b, filepath.Join(dir, "rules"), files(0))
			a := prometheus(b)
			reloader(b, "--prometheus-url="+a.URL, "--prometheus-config="+filepath.Join(dir, "config", "prometheus.yml"))
			select {
			case <-a.at:
			case <-time.After(60 * time.Second):
				b.Fatal("no first reload within 60 s")
			}
			quiet(a.at)
			swapToRequest(b, v, a.at, files)
		})
	}
}

// BenchmarkIdle measures what reloader costs while nothing happens, after it has done some work.
func BenchmarkIdle(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "mount")
	v := volume.New(b, dir, prometheusFiles(0, 10))
	a := prometheus(b)
	cmd := reloader(b, "--prometheus-url="+a.URL, "--prometheus-config="+filepath.Join(dir, "prometheus.yml"))
	for i := range 10 {
		v.Swap(prometheusFiles(i+1, 10))
		<-a.at
		quiet(a.at)
	}
	const idle = 2 * time.Minute
	time.Sleep(90 * time.Second) // what the work left behind is cleaned up within a minute
	before, begin := cpu(b, cmd.Process.Pid), time.Now()
	time.Sleep(idle)
	used := cpu(b, cmd.Process.Pid) - before
	rss, private := resident(b, cmd.Process.Pid)
	for b.Loop() {
		continue // the figures are of the process, not of a loop
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rss/(1<<20), "rss-MiB")
	b.ReportMetric(private/(1<<20), "private-MiB")
	b.ReportMetric(float64(used.Microseconds())/1000*float64(10*time.Minute)/float64(time.Since(begin)), "cpu-ms/10min")
}

// BenchmarkBurst makes 20 swaps within a second and counts the reloads.
func BenchmarkBurst(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "mount")
	v := volume.New(b, dir, prometheusFiles(0, 0))
	a := prometheus(b)
	reloader(b, "--prometheus-url="+a.URL, "--prometheus-config="+filepath.Join(dir, "prometheus.yml"))
	<-a.at
	quiet(a.at)
	i, reloads := 0, 0
	for b.Loop() {
		for range 20 {
			i++
			v.Swap(prometheusFiles(i, 0))
			time.Sleep(50 * time.Millisecond)
		}
		reloads += len(a.at)
		drain(a.at)
		b.StopTimer()
		quiet(a.at)
		b.StartTimer()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(reloads)/float64(b.N), "reloads/burst")
}

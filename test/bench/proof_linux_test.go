package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

func TestMain(m *testing.M) { rig.Main(m) }

// counted is a proxy in front of a real Prometheus that counts the requests of a proof.
type counted struct {
	URL             string
	requests, bytes atomic.Int64
	reloaded        atomic.Int64 // when the last reload was answered, in nanoseconds
}

type countingWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (w countingWriter) Write(b []byte) (int, error) {
	w.n.Add(int64(len(b)))
	return w.ResponseWriter.Write(b)
}

func (w countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// count returns a proxy that counts from the last reload on.
func count(tb testing.TB, server string) *counted {
	c := &counted{}
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		proxy.ServeHTTP(countingWriter{w, &c.bytes}, r)
		if r.Method == http.MethodPost {
			c.requests.Store(0)
			c.bytes.Store(0)
			c.reloaded.Store(time.Now().UnixNano())
		}
	}))
	tb.Cleanup(srv.Close)
	c.URL = srv.URL
	return c
}

// peak is the highest resident memory of a process since the last call of forgetPeak, in bytes.
func peak(tb testing.TB, pid int) float64 {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	kb, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
	if err != nil {
		tb.Fatal(err)
	}
	return kb * 1024
}

func forgetPeak(tb testing.TB, pid int) {
	tb.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkProof measures what the comparison with a real Prometheus costs: after a reload, from its answer to the proof, and at
// the start of reloader, when everything is compared.
func BenchmarkProof(b *testing.B) {
	for _, rules := range []int{1, 1_000, 10_000} {
		b.Run(fmt.Sprintf("rules-%d", rules), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "mount")
			v := volume.New(b, dir, prometheusFiles(0, rules))
			config := filepath.Join(dir, "prometheus.yml")
			server := rig.NewPrometheus(b, config)
			server.Start()
			server.Ready()
			c := count(b, server.URL)
			// Each run of promcheck leaves a line.
			runs := filepath.Join(b.TempDir(), "runs")
			wrapper := filepath.Join(b.TempDir(), "promcheck")
			rig.WriteProgram(b, wrapper, fmt.Sprintf("#!/bin/sh\necho >>%s\nexec %s \"$@\"\n", runs, rig.Program(b, "promcheck")))
			started := func() int {
				text, err := os.ReadFile(runs)
				if err != nil {
					b.Fatal(err)
				}
				return strings.Count(string(text), "\n")
			}
			r := rig.NewReloader(b, "--prometheus-url", c.URL, "--prometheus-config", config, "--promcheck", wrapper, "--log-level", "warn")
			begin := time.Now()
			r.Start()
			first := r.ReachesWith(dir, reload.InSync)
			start := time.Since(begin)
			startBytes, startRequests, startPeak := c.bytes.Load(), c.requests.Load(), peak(b, r.PID())
			var took []time.Duration
			var requests, bytes, checks int64
			var most float64
			i := 0
			for b.Loop() {
				i++
				before := started()
				forgetPeak(b, r.PID())
				v.Swap(prometheusFiles(i, rules))
				first = r.Reaches("the next proof", func(s reload.Status) bool {
					return s.Phase == reload.InSync && s.Wanted != first.Wanted && s.Running == s.Wanted
				})
				took = append(took, time.Since(time.Unix(0, c.reloaded.Load())))
				requests, bytes = c.requests.Load(), c.bytes.Load()
				most = max(most, peak(b, r.PID()))
				checks += int64(started() - before)
			}
			slices.Sort(took)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "proof-p50-ms")
			b.ReportMetric(float64(requests), "requests")
			b.ReportMetric(float64(bytes)/1024, "KiB")
			b.ReportMetric(float64(checks)/float64(b.N), "promchecks")
			b.ReportMetric(most/(1<<20), "peak-MiB")
			b.ReportMetric(start.Seconds(), "start-s")
			b.ReportMetric(float64(startRequests), "start-requests")
			b.ReportMetric(float64(startBytes)/1024, "start-KiB")
			b.ReportMetric(startPeak/(1<<20), "start-peak-MiB")
		})
	}
}

package exposition_test

import (
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"reloader/internal/exposition"
)

// client_golang's collectors have the same families as Process, with the same types and labels and about the same
// values. Left out are GOGC, which never changes and costs a package, and two that count the network of the whole pod.
func TestProcessAsClientGolang(t *testing.T) {
	// Not parallel: other tests open files and allocate memory. What this test itself allocates is little compared with
	// a million objects, half of them freed.
	kept := make([]*[16]byte, 0, 1<<20)
	for range 1 << 20 {
		kept = append(kept, new([16]byte))
	}
	for i := range kept[:1<<19] {
		kept[i] = nil
	}
	runtime.GC()
	defer runtime.KeepAlive(kept)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // no collection between the two
	theirs := byClient(t, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var w exposition.Writer
	w.Process()
	ours := parse(t, w.Bytes())
	for name := range ours {
		if theirs[name] == nil {
			t.Errorf("client_golang has no %s", name)
		}
	}
	for name, want := range theirs {
		if strings.HasPrefix(name, "process_network_") || name == "go_gc_gogc_percent" {
			continue
		}
		got := ours[name]
		if got == nil || got.GetType() != want.GetType() || len(got.GetMetric()) != 1 || outline(got) != outline(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
			continue
		}
		near, ok := within[name]
		if !ok {
			near = .2 // it changes from one moment to the next
		}
		a, b := value(got), value(want)
		if math.IsInf(a, 1) && (math.IsInf(b, 1) || b == math.MaxUint64) {
			continue // client_golang shows the largest number for no limit
		}
		if math.Abs(a-b) > near*math.Max(math.Abs(a), math.Abs(b)) {
			t.Errorf("%s is %v, and %v with client_golang", name, a, b)
		}
	}
	if len(ours) < 30 {
		t.Errorf("only %d families", len(ours))
	}
}

// within are the relative differences that are allowed. The fraction of a second in the time of a start depends on rounding.
var within = map[string]float64{
	"process_start_time_seconds": 2e-9, "process_max_fds": 0, "process_open_fds": 0, "process_virtual_memory_max_bytes": 0,
	"go_info": 0, "go_sched_gomaxprocs_threads": 0, "go_gc_gomemlimit_bytes": 0, "process_cpu_seconds_total": 1,
	"go_memstats_last_gc_time_seconds": 1e-6,
	// client_golang gathers in goroutines of its own, and the runtime may move memory between these at any time.
	"go_goroutines": .9, "go_memstats_heap_idle_bytes": .9, "go_memstats_heap_released_bytes": .9, "go_memstats_other_sys_bytes": .9,
}

func value(f *dto.MetricFamily) float64 {
	m := f.GetMetric()[0]
	return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetSummary().GetSampleCount())
}

func outline(f *dto.MetricFamily) string {
	var b strings.Builder
	for _, l := range f.GetMetric()[0].GetLabel() {
		b.WriteString(l.GetName() + "=" + l.GetValue() + " ")
	}
	for _, q := range f.GetMetric()[0].GetSummary().GetQuantile() {
		b.WriteString(" " + q.String()[:strings.Index(q.String(), "value")])
	}
	return b.String()
}

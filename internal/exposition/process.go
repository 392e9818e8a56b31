package exposition

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// started is when the process started, but for the few milliseconds until packages are initialized.
var started = time.Now()

// Process writes the metrics process_* and go_* with the names that Prometheus' own client uses. Values that the
// platform does not offer are left out.
func (w *Writer) Process() {
	w.process()
	w.runtime()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for _, f := range memory {
		w.One(f.kind, "go_memstats_"+f.name, f.help, f.value(&m))
	}
}

func (w *Writer) process() {
	w.One(Gauge, "process_start_time_seconds", "Start time of the process, in Unix time.", float64(started.UnixMilli())/1000)
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		seconds := time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
		w.One(Counter, "process_cpu_seconds_total", "User and system CPU time, in seconds.", seconds)
	}
	if pages := statm(); len(pages) > 1 {
		w.One(Gauge, "process_virtual_memory_bytes", "Virtual memory.", pages[0]*float64(os.Getpagesize()))
		w.One(Gauge, "process_resident_memory_bytes", "Resident memory.", pages[1]*float64(os.Getpagesize()))
	}
	if n := openFiles(); n > 0 {
		w.One(Gauge, "process_open_fds", "Open file descriptors.", float64(n))
	}
	w.limit("process_max_fds", "Limit of open file descriptors.", syscall.RLIMIT_NOFILE)
	w.limit("process_virtual_memory_max_bytes", "Limit of virtual memory; +Inf if there is none.", syscall.RLIMIT_AS)
}

// statm returns the sizes in /proc/self/statm, in pages: virtual, resident, and more. See proc_pid_statm(5).
func statm() (pages []float64) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return nil // not Linux
	}
	for s := range strings.FieldsSeq(string(text)) {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil
		}
		pages = append(pages, n)
	}
	return pages
}

func openFiles() int {
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0 // not Linux
	}
	defer func() { _ = d.Close() }()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return 0
	}
	return len(names) - 1 // without d itself
}

func (w *Writer) limit(name, help string, resource int) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(resource, &limit) != nil {
		return
	}
	value := float64(limit.Cur)
	if limit.Cur >= math.MaxInt64 { // RLIM_INFINITY, here and on macOS
		value = math.Inf(1)
	}
	w.One(Gauge, name, help, value)
}

func (w *Writer) runtime() {
	w.One(Gauge, "go_info", "The Go version.", 1, Label{"version", runtime.Version()})
	w.One(Gauge, "go_goroutines", "Goroutines that exist.", float64(runtime.NumGoroutine()))
	threads, _ := runtime.ThreadCreateProfile(nil)
	w.One(Gauge, "go_threads", "Threads that were created.", float64(threads))
	w.One(Gauge, "go_sched_gomaxprocs_threads", "GOMAXPROCS: how many threads may run Go code at once.", float64(runtime.GOMAXPROCS(0)))
	w.One(Gauge, "go_gc_gomemlimit_bytes", "GOMEMLIMIT.", float64(debug.SetMemoryLimit(-1))) // a negative one only asks
	gc := debug.GCStats{PauseQuantiles: make([]time.Duration, 5)}
	debug.ReadGCStats(&gc)
	w.Family(Summary, "go_gc_duration_seconds", "Pauses for garbage collection, in seconds.")
	for i, quantile := range []string{"0", "0.25", "0.5", "0.75", "1"} {
		w.Sample(gc.PauseQuantiles[i].Seconds(), Label{"quantile", quantile})
	}
	w.sample("_sum", gc.PauseTotal.Seconds())
	w.sample("_count", float64(gc.NumGC))
}

// memory are the metrics go_memstats_*; runtime.MemStats explains each.
var memory = []struct {
	name, help string
	kind       Kind
	value      func(*runtime.MemStats) float64
}{
	{"alloc_bytes", "Allocated heap objects, in bytes.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.Alloc) }},
	{"alloc_bytes_total", "Heap allocations, in bytes, with what was freed.", Counter, func(m *runtime.MemStats) float64 { return float64(m.TotalAlloc) }},
	{"sys_bytes", "Memory obtained from the system.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.Sys) }},
	{"mallocs_total", "Heap objects allocated.", Counter, func(m *runtime.MemStats) float64 { return float64(m.Mallocs) }},
	{"frees_total", "Heap objects freed.", Counter, func(m *runtime.MemStats) float64 { return float64(m.Frees) }},
	{"heap_alloc_bytes", "Allocated heap objects, in bytes.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.HeapAlloc) }},
	{"heap_sys_bytes", "Memory obtained from the system for the heap.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.HeapSys) }},
	{"heap_idle_bytes", "Idle spans of the heap.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.HeapIdle) }},
	{"heap_inuse_bytes", "Spans of the heap in use.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.HeapInuse) }},
	{"heap_released_bytes", "Memory of the heap returned to the system.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.HeapReleased) }},
	{"heap_objects", "Allocated heap objects.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.HeapObjects) }},
	{"stack_inuse_bytes", "Spans of stacks in use.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.StackInuse) }},
	{"stack_sys_bytes", "Memory obtained from the system for stacks.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.StackSys) }},
	{"mspan_inuse_bytes", "The runtime's mspan structures in use, in bytes.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.MSpanInuse) }},
	{"mspan_sys_bytes", "Memory obtained from the system for mspan structures.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.MSpanSys) }},
	{"mcache_inuse_bytes", "The runtime's mcache structures in use, in bytes.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.MCacheInuse) }},
	{"mcache_sys_bytes", "Memory obtained from the system for mcache structures.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.MCacheSys) }},
	{"buck_hash_sys_bytes", "Memory of profiling hash tables.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.BuckHashSys) }},
	{"gc_sys_bytes", "Memory of the garbage collector's metadata.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.GCSys) }},
	{"other_sys_bytes", "Other memory obtained from the system.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.OtherSys) }},
	{"next_gc_bytes", "Size of the heap at which the next garbage collection starts.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.NextGC) }},
	{"last_gc_time_seconds", "Time of the last garbage collection, in Unix time.", Gauge, func(m *runtime.MemStats) float64 { return float64(m.LastGC) / 1e9 }},
}

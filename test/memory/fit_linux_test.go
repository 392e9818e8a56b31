package memory

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/test/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// size is a configuration.
type size struct {
	name               string
	jobs, rules, files int
}

var (
	one  = size{"1 file", 1, 0, 0}
	mid  = size{"300 jobs, 1,800 rules in 60 files", 300, 1800, 60}
	many = size{"9,000 rules in 300 files", 10, 9000, 300}
	fat  = size{"9,000 rules in 3 files", 10, 9000, 3}
)

// write makes the files of a typical configuration: half of the rules are alerts with templates, half are recording rules.
func (s size) write(t testing.TB) string {
	dir := t.TempDir()
	var main strings.Builder
	main.WriteString("rule_files: [\"*.rules\"]\nscrape_configs:\n")
	for i := range s.jobs {
		fmt.Fprintf(&main, `- job_name: job%d
  kubernetes_sd_configs: [{role: pod, namespaces: {names: [ns%d]}}]
  relabel_configs:
  - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep, regex: "true"}
  - {source_labels: [__meta_kubernetes_pod_label_app], target_label: app, regex: "(.+)"}
`, i, i)
	}
	files := map[string]string{"prometheus.yml": main.String()}
	for f := range s.files {
		var b strings.Builder
		fmt.Fprintf(&b, "groups:\n- name: g%d\n  rules:\n", f)
		for i := range s.rules / s.files {
			if i%2 == 0 {
				fmt.Fprintf(&b, "  - record: job:requests_%d_%d:rate5m\n    expr: sum by (job) (rate(http_requests_total{job=\"svc%d\",handler!~\"/metrics|/healthz\"}[5m]))\n", f, i, i)
				continue
			}
			fmt.Fprintf(&b, `  - alert: HighErrorRate%d_%d
    expr: sum by (job) (rate(http_requests_total{job="svc%d",code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total{job="svc%d"}[5m])) > 0.05
    for: 10m
    labels: {severity: page}
    annotations: {summary: "High error rate on {{ $labels.job }}", description: "{{ $value | humanizePercentage }} of requests to {{ $labels.job }} fail."}
`, f, i, i, i)
		}
		files[fmt.Sprintf("%d.rules", f)] = b.String()
	}
	rig.WriteTree(t, dir, files)
	return dir
}

// outcome is the result of a reloader in a container.
type outcome struct {
	status reload.Status
	peak   int64
	kills  int
	took   time.Duration
	// slowest is the longest time that a liveness probe took until then.
	slowest time.Duration
}

// run starts a reloader with a gate and no server in a container, and waits for its verdict. It must still run then.
func run(t testing.TB, s size, limit int64) outcome {
	t.Helper()
	return runIn(t, s, newCgroup(t, limit), func(*rig.Reloader) {})
}

// runIn is run in an existing container. It calls meanwhile once reloader has been started.
func runIn(t testing.TB, s size, c *cgroup, meanwhile func(*rig.Reloader)) outcome {
	t.Helper()
	dir := s.write(t)
	program := rig.Program(t, "reloader")
	rig.Program(t, "promcheck")
	if other := os.Getenv("RELOADER_TEST_PROGRAMS"); other != "" {
		program = filepath.Join(other, "reloader")
	}
	r := rig.NewReloader(t)
	address := strings.TrimPrefix(r.URL, "http://")
	shell := c.shell(program, "run", "--prometheus-url", "http://127.0.0.1:1", "--prometheus-config", filepath.Join(dir, "prometheus.yml"),
		"--prometheus-gate", t.TempDir(), "--listen-address", address)
	r.Process = rig.NewProcess(t, "reloader", shell...)
	begin := time.Now()
	r.Start()
	meanwhile(r)
	var o outcome
	rig.Eventually(t, "a verdict", func() error {
		asked := time.Now()
		code, _, err := rig.Fetch(t, r.URL+"/healthz")
		if err != nil || code != http.StatusOK {
			return cmp.Or(err, fmt.Errorf("liveness: %d", code))
		}
		o.slowest = max(o.slowest, time.Since(asked))
		st, err := r.Status()
		if err != nil {
			return err
		}
		o.status = st
		switch st.Phase {
		case reload.Starting, reload.Settling, reload.Checking, reload.Publishing:
			return fmt.Errorf("phase %s", st.Phase)
		default:
		}
		return nil
	})
	o.took, o.peak, o.kills = time.Since(begin), c.peak(), c.kills()
	if code := r.Stop(); code != 0 && code != 1 {
		t.Errorf("reloader ended with %d", code)
	}
	return o
}

func (o outcome) judged() bool {
	return o.status.Phase != reload.Unjudged && o.status.Phase != reload.Rejected
}

// Each of these configurations can be judged in a container of this size, together with the daemon, and the kernel kills nothing.
func TestFits(t *testing.T) {
	for _, c := range []struct {
		size
		limit int64
	}{{one, 48}, {mid, 64}, {many, 128}, {fat, 128}} {
		o := run(t, c.size, c.limit<<20)
		t.Logf("%s at %d MiB: %s in %s, peak %d MiB, liveness at most %s", c.name, c.limit, o.status.Phase, o.took, o.peak>>20, o.slowest)
		if !o.judged() || o.kills != 0 {
			t.Errorf("%s at %d MiB: %s (%s), %d killed", c.name, c.limit, o.status.Phase, o.status.Reason, o.kills)
		}
	}
}

// If a configuration needs too much memory, the reason says how much it needs and how much there is. Nothing is killed, and nothing
// is applied.
func TestDoesNotFit(t *testing.T) {
	o := run(t, size{"60,000 rules in 3 files", 10, 60_000, 3}, 64<<20)
	if o.status.Phase != reload.Unjudged || o.kills != 0 {
		t.Fatalf("%s (%s), %d killed", o.status.Phase, o.status.Reason, o.kills)
	}
	if !strings.Contains(o.status.Reason, "needs about") || !strings.Contains(o.status.Reason, "of the container's 64 MiB") {
		t.Errorf("reason %q", o.status.Reason)
	}
}

// While promcheck judges with a tenth of a processor, it gives way to reloader, and a probe is answered before the verdict. The
// times of the probes are only logged, because they depend on the machine.
func TestLiveness(t *testing.T) {
	c := newCgroup(t, 256<<20)
	c.slow(t, 100)
	o := runIn(t, mid, c, func(r *rig.Reloader) {
		judge := 0
		rig.Eventually(t, "promcheck gives way to reloader", func() error {
			if judge = judges(t, r); judge == 0 {
				return errors.New("there is no promcheck")
			}
			own := slices.Max(niceness(r.PID()))
			if judges := niceness(judge); slices.Min(judges) <= min(own, 18) { // 19 is the lowest priority, also of a low test
				return fmt.Errorf("nice values of promcheck's threads %v, of reloader's at most %d", judges, own)
			}
			return nil
		})
		if code, _, err := rig.Fetch(t, r.URL+"/healthz"); err != nil || code != http.StatusOK {
			t.Errorf("liveness: %d, %v", code, err)
		}
		if st, err := r.Status(); err != nil || st.Phase != reload.Checking || judges(t, r) != judge {
			t.Errorf("the probe was not answered before the verdict: phase %s, %v", st.Phase, err)
		}
	})
	t.Logf("100m, 256 MiB: %s in %s, liveness at most %s", o.status.Phase, o.took.Round(time.Millisecond), o.slowest.Round(time.Millisecond))
	if !o.judged() {
		t.Errorf("%s (%s)", o.status.Phase, o.status.Reason)
	}
}

// niceness is the nice value of each thread of a process.
func niceness(pid int) []int {
	var list []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		_, rest, _ := strings.Cut(string(b), ") ") // the name may contain anything
		fields := strings.Fields(rest)
		if len(fields) < 17 {
			continue // it has ended
		}
		n, _ := strconv.Atoi(fields[16])
		list = append(list, n)
	}
	if list == nil {
		return []int{math.MinInt} // it has ended
	}
	return list
}

// TestTable prints the table of docs/reliability.md; RELOADER_TEST_PROGRAMS names the directory of other programs to measure.
func TestTable(t *testing.T) {
	if os.Getenv("RELOADER_TEST_TABLE") == "" {
		t.Skip("set RELOADER_TEST_TABLE=1 to measure")
	}
	for _, s := range []size{one, mid, many, fat} {
		for _, limit := range []int64{0, 256, 128, 64, 48} {
			t.Run(fmt.Sprintf("%s/%d", s.name, limit), func(t *testing.T) {
				o := run(t, s, limit<<20)
				t.Logf("| %s | %d | %s | %d MiB | %d | %s | %s |", s.name, limit, o.status.Phase, o.peak>>20, o.kills, o.took.Round(10*time.Millisecond), o.slowest.Round(time.Millisecond))
			})
		}
	}
}

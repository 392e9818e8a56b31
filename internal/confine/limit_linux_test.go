package confine

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"reloader/test/rig"
)

// giveBack uses 8 MiB again and again and returns them to the system, as Go's runtime does, but keeps the address space.
// With a limit of 32 MiB it must be able to map 256 MiB that way.
func giveBack() int {
	Within(32 * m)
	end := time.Now().Add(30 * time.Second)
	for range 32 {
		b, err := unix.Mmap(-1, 0, 8*m, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		for errors.Is(err, unix.ENOMEM) && time.Now().Before(end) {
			runtime.Gosched()
			b, err = unix.Mmap(-1, 0, 8*m, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		}
		if err != nil {
			return 3
		}
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		if unix.Madvise(b, unix.MADV_DONTNEED) != nil {
			return 4
		}
	}
	return 0
}

func init() {
	more["give back"] = giveBack
	more["give way"] = func() int {
		giveWay()
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil || len(tasks) == 0 {
			return 3
		}
		for _, task := range tasks {
			tid, _ := strconv.Atoi(task.Name())
			if raw, err := unix.Getpriority(unix.PRIO_PROCESS, tid); err == nil && 20-raw != 19 {
				return 4
			}
		}
		return 0
	}
}

// A program that a process of low priority starts still gives way to it: a nice value of 10 would be a higher priority than
// the process's own 15.
func TestGiveWayToALowPriority(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	rig.Must(t, err)
	low := exec.CommandContext(t.Context(), "nice", "-n", "15", self)
	low.Env = append(os.Environ(), "CONFINE_DO=give way")
	if out, err := low.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// Memory that a program has returned to the system does not count against its limit.
func TestGivenBack(t *testing.T) {
	rig.WithoutRaces(t) // the program would need several times the memory
	t.Parallel()
	b := Budget{Hard: 400 * m, Soft: 300 * m}
	out, err := Run(t.Context(), Job{Program: "/proc/self/exe", Args: []string{"-test.run=^$"}, Env: []string{"CONFINE_DO=give back"}, Stdin: strings.NewReader(""), MaxOutput: m, Memory: b})
	if err != nil || out.Code != 0 {
		t.Fatalf("exit code %d: %v", out.Code, err)
	}
}

// The second try collects garbage early and uses one thread.
func TestTight(t *testing.T) {
	t.Parallel()
	env := strings.Join(Budget{Hard: 100 * m, Soft: 90 * m}.Tight().env(), " ")
	if env != "GOMEMLIMIT=52428800 GOGC=30 GOMAXPROCS=1" {
		t.Errorf("environment %q", env)
	}
}

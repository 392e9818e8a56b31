package bench

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reloader starts the built program, or the one in RELOADER_PROGRAMS to compare versions. It runs until the test ends.
func reloader(tb testing.TB, args ...string) *exec.Cmd {
	tb.Helper()
	binary, err := filepath.Abs("../../bin/reloader")
	if err != nil {
		tb.Fatal(err)
	}
	if dir := os.Getenv("RELOADER_PROGRAMS"); dir != "" {
		binary = filepath.Join(dir, "reloader")
	}
	if _, err := os.Stat(binary); err != nil {
		tb.Fatalf("%v; run make build first", err)
	}
	cmd := exec.CommandContext(tb.Context(), binary, append([]string{"run", "--listen-address=", "--log-level=warn"}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	return cmd
}

// resident reads the resident and the private memory of a process, in bytes.
func resident(tb testing.TB, pid int) (rss, private float64) {
	tb.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "Rss:":
			rss = kb * 1024
		case "Private_Clean:", "Private_Dirty:":
			private += kb * 1024
		}
	}
	return rss, private
}

// cpu is the time that all threads of a process have run; /proc/PID/schedstat is only about the first thread.
func cpu(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	dirs, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		tb.Fatal(err)
	}
	var sum time.Duration
	for _, path := range dirs {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		ns, _ := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

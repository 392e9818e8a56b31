// Package memory tries the real programs in real control groups, as a container's limits are made of.
package memory

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// cgroup is a control group with a limit, of either version.
type cgroup struct {
	dirs    []string // version 2 has one, version 1 one for each controller
	unified bool
}

// newCgroup makes one, or skips the test: it takes root, and a hierarchy that can be written.
func newCgroup(t testing.TB, limit int64) *cgroup {
	t.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skip("no control groups here: ", err)
	}
	c := &cgroup{}
	for line := range strings.Lines(string(own)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) == 3 && fields[1] == "memory":
			c.dirs = append(c.dirs, c.make(t, filepath.Join("/sys/fs/cgroup/memory", fields[2])))
		case len(fields) == 3 && fields[0] == "0" && len(c.dirs) == 0:
			controllers, _ := os.ReadFile(filepath.Join("/sys/fs/cgroup", fields[2], "cgroup.subtree_control"))
			if bytes.Contains(controllers, []byte("memory")) {
				c.unified = true
				c.dirs = append(c.dirs, c.make(t, filepath.Join("/sys/fs/cgroup", fields[2])))
			}
		}
	}
	if len(c.dirs) == 0 {
		t.Skip("no memory controller that can be written: run as root with cgroup v1, or delegate the controller with v2")
	}
	if limit > 0 {
		if c.unified {
			c.write(t, "memory.max", limit)
			c.write(t, "memory.oom.group", 1) // as the kubelet sets it
		} else {
			c.write(t, "memory.limit_in_bytes", limit)
		}
	}
	return c
}

// slow limits the group's CPU time, in thousandths of a processor; the test is skipped where that cannot be.
func (c *cgroup) slow(t testing.TB, milli int64) {
	t.Helper()
	const period = 100_000 // microseconds, as the kubelet sets it
	if c.unified {
		if err := os.WriteFile(filepath.Join(c.dirs[0], "cpu.max"), fmt.Appendf(nil, "%d %d", milli*period/1000, period), 0o600); err != nil {
			t.Skip("no CPU controller that can be written: ", err)
		}
		return
	}
	own, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(own)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || !strings.Contains(","+fields[1]+",", ",cpu,") {
			continue
		}
		for _, mount := range []string{"cpu", fields[1]} {
			parent := filepath.Join("/sys/fs/cgroup", mount, fields[2])
			if _, err := os.Stat(filepath.Join(parent, "cpu.cfs_quota_us")); err != nil {
				continue
			}
			dir := c.make(t, parent)
			if err := os.WriteFile(filepath.Join(dir, "cpu.cfs_quota_us"), fmt.Appendf(nil, "%d", milli*period/1000), 0o600); err != nil {
				t.Skip("the CPU cannot be limited here: ", err)
			}
			c.dirs = append(c.dirs, dir)
			return
		}
	}
	t.Skip("no CPU controller that can be written: run as root")
}

func (c *cgroup) make(t testing.TB, parent string) string {
	t.Helper()
	dir, err := os.MkdirTemp(parent, "reloader-test-") //nolint:usetesting // a cgroup is made below its parent
	if err != nil {
		t.Skip("control groups cannot be made here: ", err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	return dir
}

func (c *cgroup) write(t testing.TB, file string, n int64) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dirs[0], file), []byte(strconv.FormatInt(n, 10)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// shell is a command that joins the group and becomes the program.
func (c *cgroup) shell(program string, args ...string) []string {
	var b strings.Builder
	for _, dir := range c.dirs {
		fmt.Fprintf(&b, "echo $$ > %s/cgroup.procs && ", dir)
	}
	b.WriteString(`exec "$0" "$@"`)
	return append([]string{"/bin/sh", "-c", b.String(), program}, args...)
}

// peak is the most memory that was in use, in bytes; 0 where the kernel does not tell.
func (c *cgroup) peak() int64 {
	file := "memory.max_usage_in_bytes"
	if c.unified {
		file = "memory.peak"
	}
	b, _ := os.ReadFile(filepath.Join(c.dirs[0], file))
	n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n
}

// kills is how many processes the kernel killed for the limit.
func (c *cgroup) kills() int {
	file := "memory.oom_control"
	if c.unified {
		file = "memory.events"
	}
	b, _ := os.ReadFile(filepath.Join(c.dirs[0], file))
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(rest))
			return n
		}
	}
	return 0
}

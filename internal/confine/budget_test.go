package confine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const m = 1 << 20

// tree writes files as in /proc and /sys below a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, body := range files {
		p := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(body), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// The room is what the control group with the least memory has left. Both versions of control groups are read:
// in a container with its own view, in one with the host's paths, and without a container.
func TestRoom(t *testing.T) {
	t.Parallel()
	const v2 = "0::/\n"
	for name, c := range map[string]struct {
		files            map[string]string
		hard, limit, use int64
	}{
		"none":              {nil, 1024 * m, 0, 0},
		"version 2":         {map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/memory.max": "134217728\n", "sys/fs/cgroup/memory.current": "41943040\n", "sys/fs/cgroup/memory.stat": "anon 1\nfile 31457280\nactive_file 10485760\ninactive_file 20971520\n"}, 128*m - 10*m - reserve, 128 * m, 10 * m},
		"version 2, no max": {map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": "1\n"}, 1024 * m, 0, 0},
		"version 2, nested": {map[string]string{
			"proc/self/cgroup":         "0::/pod/ctr\n",
			"sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/pod/memory.max": "67108864\n", "sys/fs/cgroup/pod/memory.current": "0\n",
			"sys/fs/cgroup/pod/ctr/memory.max": "268435456\n", "sys/fs/cgroup/pod/ctr/memory.current": "0\n",
		}, 64*m - reserve, 64 * m, 0},
		"version 1, the host's path": {map[string]string{
			"proc/self/cgroup":                            "9:cpu:/x\n4:memory:/kubepods/pod1/ctr\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":  "268435456\n",
			"sys/fs/cgroup/memory/memory.usage_in_bytes":  "20971520\n",
			"sys/fs/cgroup/memory/memory.stat":            "active_file 0\ntotal_inactive_file 5242880\ntotal_active_file 5242880\n",
			"sys/fs/cgroup/memory/other/memory.something": "",
		}, 256*m - 10*m - reserve, 256 * m, 10 * m},
		"version 1, unlimited": {map[string]string{
			"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
		}, 1024 * m, 0, 0},
		"full": {map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/memory.max": "33554432\n", "sys/fs/cgroup/memory.current": "33554432\n"}, -reserve, 32 * m, 32 * m},
		"garbage": {map[string]string{
			"proc/self/cgroup": "x\n::::\n0::/../../..\n", "sys/fs/cgroup/memory.max": "lots\n", "sys/fs/cgroup/memory.current": "-\n",
		}, 1024 * m, 0, 0},
	} {
		b := room(tree(t, c.files), 1024*m)
		if b.Hard != c.hard || b.Container != c.limit || b.InUse != c.use {
			t.Errorf("%s: %+v, want %d MiB of %d with %d in use", name, b, c.hard/m, c.limit/m, c.use/m)
		}
		if b.Soft > b.Hard && b.Hard > 0 || b.Soft > maxSoft {
			t.Errorf("%s: soft %d above hard %d", name, b.Soft/m, b.Hard/m)
		}
	}
}

// A program that needs more memory than it may use is killed, and nothing else is. If there is too little memory, it is not even
// started. The error says how much it needs, how much is in use, and what to do.
func TestTooLittleMemory(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]Budget{
		"not started": {Hard: minHard - 1, Soft: minHard, Container: 48 * m, InUse: 20 * m},
		"dies":        {Hard: 64 * m, Soft: 48 * m, Container: 128 * m, InUse: 20 * m},
	} {
		_, err := Run(t.Context(), Job{Program: self, Args: []string{"-test.run=^$"}, Env: []string{"CONFINE_EAT=1"}, Stdin: strings.NewReader(""), MaxOutput: m, Memory: b, Need: 300 * m})
		var e *Error
		if !errors.As(err, &e) || e.Reason != ReasonMemory {
			t.Fatalf("%s: %v", name, err)
		}
		for _, word := range []string{"needs about 300 MiB", "in use", "raise the container's memory limit to 352 MiB"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q lacks %q", name, err, word)
			}
		}
	}
}

// more are other tasks of this program; CONFINE_DO names the one to do.
var more = map[string]func() int{}

// TestMain makes this program use much memory when CONFINE_EAT is set.
func TestMain(main *testing.M) {
	if do, ok := more[os.Getenv("CONFINE_DO")]; ok {
		os.Exit(do())
	}
	if os.Getenv("CONFINE_EAT") != "" {
		Within(32 * m)
		var eaten [][]byte
		for range 4096 {
			b := make([]byte, m)
			for i := range b {
				b[i] = 1
			}
			eaten = append(eaten, b)
		}
		os.Exit(len(eaten) % 2)
	}
	os.Exit(main.Run())
}

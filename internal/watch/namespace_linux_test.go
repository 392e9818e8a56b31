package watch

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"reloader/test/rig"
)

const inside = "WATCH_TEST_INSIDE"

// alone runs the calling test again with its own user and mount namespace, where it may mount and set
// limits without touching the machine. It returns true in there.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if len(out) == 0 && err != nil {
		t.Skipf("no user namespaces here: %v", err)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("%s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in its own namespace: %v\n%s", err, out)
	}
	return false
}

func limit(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/user/"+name, []byte(value), 0o644); err != nil {
		t.Skipf("limits cannot be set here: %v", err)
	}
}

// The real kernel has no inotify instance left, and has one later: the watcher polls, then uses inotify again.
func TestRealInstancesExhausted(t *testing.T) {
	if !alone(t) {
		return
	}
	limit(t, "max_inotify_instances", "0")
	var log logged
	w := start(t, Options{Interval: 20 * time.Millisecond, Fallback: 10 * time.Millisecond, Logger: log.logger()})
	dir := t.TempDir()
	file := filepath.Join(dir, "x")
	s := w.Subscribe([]string{dir})
	if st := w.Stats(); !st.Polling {
		t.Fatalf("%+v", st)
	}
	put(t, file, "1")
	until(t, s, "change while polling", holds(file, "1"))
	limit(t, "max_inotify_instances", "8")
	rig.Until(t, "inotify is back", func() bool { return !w.Stats().Polling })
	put(t, file, "2")
	rig.Until(t, "the kernel reports", func() bool { return w.Stats().Events > 0 })
	wantLog(t, &log, "too many open files", "again")
}

// The real kernel allows one watch only, and more later: the rest is polled, then watched.
func TestRealWatchesExhausted(t *testing.T) {
	if !alone(t) {
		return
	}
	limit(t, "max_inotify_watches", "1")
	var log logged
	w := start(t, Options{Interval: 20 * time.Millisecond, Fallback: 10 * time.Millisecond, Logger: log.logger()})
	one, two := t.TempDir(), t.TempDir()
	s := w.Subscribe([]string{one, two})
	if st := w.Stats(); !st.Polling || st.Watches != 1 {
		t.Fatalf("%+v", st)
	}
	for _, dir := range []string{one, two} {
		put(t, filepath.Join(dir, "x"), "1")
		until(t, s, "change", holds(filepath.Join(dir, "x"), "1"))
	}
	limit(t, "max_inotify_watches", "8")
	rig.Until(t, "all are watched", func() bool { st := w.Stats(); return !st.Polling && st.Watches == 2 })
	wantLog(t, &log, "no space left on device", "again")
}

// When a volume is mounted over the directory or unmounted, what is there now is watched.
func TestRemounted(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "x")
	put(t, file, "below")
	w := start(t, Options{Interval: 50 * time.Millisecond})
	s := w.Subscribe([]string{dir})
	mount := func() {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			t.Skipf("cannot mount here: %v", err)
		}
	}
	byKernel := func(text string) {
		t.Helper()
		// What is mounted now is watched, not only polled.
		rig.Until(t, "the kernel reports "+text, func() bool {
			before := w.Stats().Events
			put(t, file, text)
			for end := time.Now().Add(time.Second); w.Stats().Events == before && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			return w.Stats().Events > before
		})
		until(t, s, text, holds(file, text))
	}
	for range 3 {
		mount()
		until(t, s, "mounted over", gone(file))
		byKernel("in the volume")
		rig.Must(t, syscall.Unmount(dir, 0))
		byKernel("below again")
	}
	wantWatches(t, w, 1)
	if st := w.Stats(); st.Polling {
		t.Errorf("%+v", st)
	}
}

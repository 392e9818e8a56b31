package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
)

// TestMain lets the test binary also be the process that is searched for, and the one that sends a signal.
func TestMain(m *testing.M) {
	if os.Getenv("PROCESS_TEST_SLEEPER") != "" {
		workers, _ := strconv.Atoi(os.Getenv("PROCESS_TEST_WORKERS"))
		serve(workers)
		return
	}
	if name := os.Getenv("PROCESS_TEST_SIGNAL"); name != "" {
		p, err := Find(name)
		if err == nil {
			err = p.Signal(syscall.SIGHUP)
		}
		fmt.Println(err)
		return
	}
	os.Exit(m.Run())
}

// serve starts workers with its own name, prints that it is ready, and waits, like a server with worker processes.
func serve(workers int) {
	for range workers {
		worker := exec.CommandContext(context.Background(), os.Args[0])
		worker.Env = append(os.Environ(), "PROCESS_TEST_WORKERS=")
		stdin, err := worker.StdinPipe()
		if err == nil {
			err = worker.Start()
		}
		if err != nil {
			panic(err)
		}
		defer func() { _ = stdin.Close(); _ = worker.Wait() }()
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// start runs the test binary under another name until the test ends.
func start(t *testing.T, name string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), link)
	cmd.Env = append(append(os.Environ(), "PROCESS_TEST_SLEEPER=1"), env...)
	var out rig.Buffer
	cmd.Stdout = &out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	rig.Until(t, "readiness", func() bool { return out.String() == "ready\n" })
	return cmd
}

func unique(prefix string) string { return prefix + strconv.Itoa(os.Getpid()) }

// A process is found by its whole name, also when that is longer than the 15 characters that the kernel keeps.
func TestFind(t *testing.T) {
	t.Parallel()
	short := unique("s")
	long := unique("a-name-longer-than-the-kernel-keeps-")
	for _, name := range []string{short, long} {
		cmd := start(t, name)
		p, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.PID != cmd.Process.Pid || p.UID != os.Geteuid() || p.Start == 0 || !strings.HasPrefix(p.Epoch(), strconv.Itoa(p.PID)+"@") {
			t.Errorf("found %+v, want pid %d", p, cmd.Process.Pid)
		}
	}
	// Another program whose first 15 characters are the same is not found.
	if _, err := Find(long + "x"); err == nil {
		t.Error("found a process by the beginning of its name")
	}
}

// No process with the name, and more than one, are failures that say what to do.
func TestFindFailures(t *testing.T) {
	t.Parallel()
	var f *reload.Failure
	if _, err := Find(unique("none")); !errors.As(err, &f) || !strings.Contains(f.Hint, "shareProcessNamespace") || f.Permanent {
		t.Errorf("no process: %+v", f)
	}
	twice := unique("two")
	start(t, twice)
	start(t, twice)
	if _, err := Find(twice); !errors.As(err, &f) || !strings.Contains(f.Message, "more than one") {
		t.Errorf("two processes: %+v", f)
	}
}

// A server whose workers have its name (the documentation's nginx) is the parent of them all.
func TestFindWithWorkers(t *testing.T) {
	t.Parallel()
	name := unique("work")
	server := start(t, name, "PROCESS_TEST_WORKERS=3")
	if all, err := list(name); err != nil || len(all) != 4 {
		t.Fatalf("not a server and three workers: %+v, %v", all, err)
	}
	p, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	if p.PID != server.Process.Pid {
		t.Errorf("found %+v, want pid %d", p, server.Process.Pid)
	}
	start(t, name)
	if p, err := Find(name); err == nil {
		t.Errorf("found %+v where a second server runs", p)
	}
}

// A signal reaches the process. One to a process that has ended is an error.
func TestSignal(t *testing.T) {
	t.Parallel()
	name := unique("sig")
	cmd := start(t, name)
	p, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("the process ended with %v", err)
	}
	if err := p.Signal(syscall.SIGTERM); err == nil {
		t.Error("no error after a signal to a process that has ended")
	}
}

// A signal to another user's process fails, and the error names both users and the fix. Only root can start another user's
// process.
func TestSignalNotPermitted(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to run as another user")
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "signaller")
	text, err := os.ReadFile(self)
	rig.Must(t, err)
	rig.WriteProgram(t, copied, string(text))
	rig.Must(t, errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)))
	name := unique("root")
	start(t, name)
	cmd := exec.CommandContext(t.Context(), copied)
	cmd.Dir = "/"
	cmd.Env = []string{"PROCESS_TEST_SIGNAL=" + name}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"not permitted", "runs as uid 0, reloader as uid 65534", "same uid"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q does not say %q", out, want)
		}
	}
}

// FuzzParseStat: whatever a program's name contains, the fields after it are read correctly.
func FuzzParseStat(f *testing.F) {
	f.Add("prometheus", 1, uint64(4711))
	f.Add(") S 1 (", 0, uint64(1))
	f.Add("a\nb", 1<<22, uint64(1<<63))
	f.Fuzz(func(t *testing.T, name string, parent int, start uint64) {
		stat := fmt.Sprintf("42 (%s) S %d%s %d 0 0\n", name, parent, strings.Repeat(" 7", 17), start)
		want := Process{Parent: parent, Start: start}
		if got, err := parseStat([]byte(stat)); err != nil || got != want {
			t.Errorf("%q: %+v, %v", stat, got, err)
		}
		if got, err := parseStat([]byte(name)); err != nil && got.Start != 0 {
			t.Errorf("%q: %+v with the error %v", name, got, err)
		}
	})
}

package gate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"reloader/internal/snapshot"
	"reloader/test/leaks"
)

// The tests of this file start their own binary again, to kill it or to run it with another disk or user.
const (
	childTask = "RELOADER_PUBLISH_TEST_TASK"
	childDir  = "RELOADER_PUBLISH_TEST_DIR"
	childCall = "RELOADER_PUBLISH_TEST_CALL"
)

func TestMain(m *testing.M) {
	tasks := map[string]func(dir string) error{"die": die, "loop": publishForever, "disks": oddDisks, "user": otherUser}
	if name := os.Getenv(childTask); name != "" {
		if err := tasks[name](os.Getenv(childDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(leaks.Check(m.Run))
}

func child(t *testing.T, task, dir string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(append(os.Environ(), childTask+"="+task, childDir+"="+dir), env...)
	return cmd
}

// die publishes, and kills itself with SIGKILL after the number of system calls in childCall.
func die(dir string) error {
	at, err := strconv.Atoi(os.Getenv(childCall))
	if err != nil {
		return err
	}
	g, err := openNow(dir, Options{}, nil)
	if err != nil {
		return err
	}
	a := actions[3]
	if err := a.warmUp(context.Background(), g); err != nil {
		return err
	}
	calls := 0
	g.disk.before = func(string, string) error {
		if calls++; calls > at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}
	return a.run(context.Background(), g)
}

// What other tests show with a panic is also true for a real process that is killed with SIGKILL.
func TestRealKill(t *testing.T) {
	t.Parallel()
	a := actions[3]
	for at := 1; ; at += 5 {
		dir := a.prepare(t)
		out, err := child(t, "die", dir, childCall+"="+strconv.Itoa(at)).CombinedOutput()
		if err == nil {
			if at < 40 {
				t.Errorf("the publish ended after less than %d calls", at)
			}
			return
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("call %d: %v\n%s", at, err, out)
		}
		a.wantComplete(t, dir)
		if a.wantGoesOn(t, dir); t.Failed() {
			t.Fatalf("killed before call %d", at)
		}
	}
}

// publishForever prints each number before it publishes that tree.
func publishForever(dir string) error {
	g, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	start, err := os.ReadFile(filepath.Join(dir, "id"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	n, _ := strconv.Atoi(string(start)) // none at the first start
	for {
		n++
		fmt.Println(n)
		if err := g.Publish(context.Background(), endless(n).set()); err != nil {
			return err
		}
	}
}

// A writer is killed at random times, again and again. Each time readers see exactly one of the trees
// that it began to publish, and never an older one than the last time.
func TestRandomKills(t *testing.T) {
	t.Parallel()
	dir := fastDir(t)
	random := rand.New(rand.NewPCG(1, 2))
	last := 0
	for range 25 {
		cmd := child(t, "loop", dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 1 + random.IntN(20) {
			if !lines.Scan() {
				t.Fatal("the writer ended by itself")
			}
		}
		time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond) // anywhere in a publish
		_ = cmd.Process.Kill()
		begun := 0
		for ok := true; ok; ok = lines.Scan() {
			begun, _ = strconv.Atoi(lines.Text())
		}
		_ = cmd.Wait() // it was killed

		seen := throughData(t, dir)
		n, _ := strconv.Atoi(seen["id"])
		if n < last || n > begun {
			t.Errorf("readers see number %d after %d, and %d was begun", n, last, begun)
		}
		if n > 0 {
			wantTree(t, "through ..data", seen, endless(n))
			names := throughNames(t, dir)
			for name, text := range endless(n) {
				if names[name] != text {
					t.Errorf("number %d: the visible name %q shows %q", n, name, names[name])
				}
			}
		}
		if t.Failed() {
			return
		}
		last = n
	}
	wantOnly(t, mustOpen(t, dir, Options{}))
}

// oddDisks publishes to a disk that gets full and then read-only, in a mount namespace of its own.
func oddDisks(dir string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	if err := syscall.Mount("gate", dir, "tmpfs", 0, "size=512k"); err != nil {
		return fmt.Errorf("mount a small tmpfs: %w", err)
	}
	g, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	ctx := context.Background()
	half := func(c string) tree { return tree{"prometheus.yml": c, "rules.yml": strings.Repeat(c, 200<<10)} }
	if err := errors.Join(g.Publish(ctx, half("a").set()), g.Accept(half("a").set().Digest)); err != nil {
		return err
	}
	// Too large for what is left, also without older generations.
	tooLarge := tree{"prometheus.yml": "b", "rules.yml": strings.Repeat("b", 400<<10)}
	err = g.Publish(ctx, tooLarge.set())
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), `rules.yml": no space left on device`) {
		return fmt.Errorf("full disk: got %w", err)
	}
	if err := sameTree(dir, half("a")); err != nil {
		return fmt.Errorf("full disk: %w", err)
	}
	// Small enough once older generations are removed: c fits next to a, then d only without c.
	small := func(c string) tree { return tree{"prometheus.yml": c, "rules.yml": strings.Repeat(c, 120<<10)} }
	for _, tr := range []tree{small("c"), small("d"), small("e")} {
		if err := g.Publish(ctx, tr.set()); err != nil {
			return fmt.Errorf("after the full disk: %w", err)
		}
		if err := sameTree(dir, tr); err != nil {
			return err
		}
	}
	// A rollback needs no space.
	if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 512<<10), 0o644); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fill the disk: %w", err)
	}
	if d, err := g.Rollback(ctx); err != nil || d != half("a").set().Digest {
		return fmt.Errorf("roll back on a full disk: %s, %w", d.Short(), err)
	}
	if err := sameTree(dir, half("a")); err != nil {
		return err
	}
	return readOnly(ctx, g, half("a"))
}

// readOnly goes on with a disk that can no longer be written to, as after a device error.
func readOnly(ctx context.Context, g *Gate, now tree) error {
	if err := g.Close(); err != nil {
		return err
	}
	if err := syscall.Mount("", g.dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("remount read-only: %w", err)
	}
	if _, err := Open(g.dir, Options{}); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), `open "..reloader/lock": read-only file system`) {
		return fmt.Errorf("read-only: got %w", err)
	}
	if err := sameTree(g.dir, now); err != nil {
		return err
	}
	if err := syscall.Mount("", g.dir, "", syscall.MS_REMOUNT, ""); err != nil {
		return fmt.Errorf("remount: %w", err)
	}
	if err := os.Remove(filepath.Join(g.dir, "ballast")); err != nil {
		return err
	}
	g, err := Open(g.dir, Options{})
	if err != nil {
		return err
	}
	if err := g.Publish(ctx, second.set()); err != nil {
		return fmt.Errorf("after the disk is back: %w", err)
	}
	return sameTree(g.dir, second)
}

func sameTree(dir string, want tree) error {
	target, err := os.Readlink(filepath.Join(dir, snapshot.DataLink))
	if err != nil {
		return err
	}
	got, err := readTree(filepath.Join(dir, target))
	if err != nil {
		return err
	}
	if got.set().Digest != want.set().Digest {
		return fmt.Errorf("readers see %d files with %q, want %d with %q", len(got), got["prometheus.yml"], len(want), want["prometheus.yml"])
	}
	return nil
}

// A real full disk and a real read-only one: the old generation stays complete, the error says what happened.
func TestFullAndReadOnlyDisk(t *testing.T) {
	t.Parallel()
	cmd := child(t, "disks", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(out), "make the mounts private: operation not permitted") {
		t.Skip("this user may not mount a tmpfs, not in a user namespace of its own either")
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// otherUser opens a gate as a user who may only read it.
func otherUser(dir string) error {
	if err := syscall.Setuid(65534); err != nil {
		return err
	}
	_, err := Open(dir, Options{})
	if !errors.Is(err, syscall.EACCES) || !strings.Contains(err.Error(), `open "..reloader/lock": permission denied`) {
		return fmt.Errorf("got %w", err)
	}
	empty := filepath.Join(filepath.Dir(dir), "empty")
	if _, err := Open(empty, Options{}); !errors.Is(err, syscall.EACCES) || !strings.Contains(err.Error(), `mkdir "..reloader": permission denied`) {
		return fmt.Errorf("got %w", err)
	}
	// But the server's user can read everything.
	return sameTree(dir, first)
}

// A user who may not write to the gate gets an error that names the operation and the file, but can read what is published.
func TestPermissionDenied(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	parent := fastDir(t)
	dir := filepath.Join(parent, "gate")
	if err := errors.Join(os.Chmod(parent, 0o755), os.Mkdir(filepath.Join(parent, "empty"), 0o755)); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, mustOpen(t, dir, Options{}), first.set())
	if out, err := child(t, "user", dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

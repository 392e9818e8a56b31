package gate

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"reloader/test/rig"
	"reloader/test/volume"
)

// full is a pipe that blocks every write until it is read.
func full(t *testing.T) (r, w *os.File) {
	t.Helper()
	var p [2]int
	rig.Must(t, syscall.Pipe2(p[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC))
	for page := make([]byte, os.Getpagesize()); ; {
		if _, err := syscall.Write(p[1], page); err != nil {
			if !errors.Is(err, syscall.EAGAIN) {
				t.Fatal(err)
			}
			break
		}
	}
	rig.Must(t, errors.Join(syscall.SetNonblock(p[0], false), syscall.SetNonblock(p[1], false)))
	return os.NewFile(uintptr(p[0]), "read"), os.NewFile(uintptr(p[1]), "write")
}

// A SIGHUP while a gate is opened, which takes seconds for a large tree, does not end reloader. The files are read again once
// everything is set up. Here the start blocks on a log that is not read yet.
func TestHangUpWhileTheGateIsOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v := volume.New(t, filepath.Join(dir, "mount"), generation(1))
	half := filepath.Join(dir, "gate", "..2026_11_29_10_00_00.000000001")
	rig.Must(t, os.MkdirAll(half, 0o755))
	r, w := full(t)
	defer r.Close()
	cmd := exec.CommandContext(t.Context(), rig.Program(t, "reloader"), "run", "--listen-address", rig.FreeAddress(t), "--prometheus-url", "http://127.0.0.1:1",
		"--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"), "--prometheus-gate", filepath.Dir(half))
	cmd.Stderr = w
	rig.Must(t, cmd.Start())
	rig.Must(t, w.Close())
	// The incomplete generation is removed, then that is logged, before anything runs.
	rig.Until(t, "the gate is being opened", func() bool {
		_, err := os.Lstat(half)
		return errors.Is(err, fs.ErrNotExist)
	})
	rig.Must(t, cmd.Process.Signal(syscall.SIGHUP))
	var log rig.Buffer
	read := make(chan struct{})
	go func() { defer close(read); _, _ = io.Copy(&log, r) }()
	rig.Until(t, "the reread, or the end", func() bool {
		select {
		case <-read:
			return true
		default:
			return strings.Contains(log.String(), "cause=SIGHUP")
		}
	})
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	<-read
	text := strings.TrimLeft(log.String(), "\x00")
	_ = cmd.Wait()
	if cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		t.Errorf("the signal ended reloader: %s", cmd.ProcessState)
	}
	for _, line := range []string{"the gate was repaired", filepath.Base(half), "cause=SIGHUP"} {
		if !strings.Contains(text, line) {
			t.Errorf("the log lacks %q:\n%s", line, text)
		}
	}
}

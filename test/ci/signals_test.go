package ci

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"reloader/test/rig"
)

// A named pipe in place of a file does not block any command: each one refuses it.
func TestPipes(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	rig.Must(t, syscall.Mkfifo(fifo, 0o600))
	for _, args := range [][]string{
		{"inject", "-f", fifo, "--prometheus-url", "http://localhost:9090"}, {"check", fifo}, {"check", "--config", fifo}, {"digest", fifo},
	} {
		if o := rig.Command(t, args...); o.Code == 0 {
			t.Errorf("%v accepted a pipe: %+v", args, o)
		}
	}
}

// A command that waits for its standard input ends with the first SIGTERM, which pipelines send when they give up.
func TestSignalWhileReading(t *testing.T) {
	for _, args := range [][]string{{"inject", "-f", "-"}, {"check", "-"}} {
		cmd := exec.CommandContext(t.Context(), rig.Program(t, "reloader"), args...)
		in, err := cmd.StdinPipe()
		rig.Must(t, err)
		rig.Must(t, cmd.Start())
		_, err = io.WriteString(in, strings.Repeat("# waiting\n", 20_000)) // more than a pipe holds, so the program is reading
		rig.Must(t, err)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait() // a signal ended it
		}()
		rig.Must(t, cmd.Process.Signal(syscall.SIGTERM))
		select {
		case <-ended:
		case <-time.After(rig.Patience):
			t.Errorf("reloader %s still waits %s after SIGTERM", strings.Join(args, " "), rig.Patience)
			_ = cmd.Process.Kill()
			<-ended
		}
	}
}

// Whenever a signal ends inject --write, the manifest is the old or the new one, and there is no other file.
func TestSignalWhileWriting(t *testing.T) {
	old, err := os.ReadFile("../../internal/inject/testdata/ok/monitor.yaml")
	rig.Must(t, err)
	dir := t.TempDir()
	name := filepath.Join(dir, "monitor.yaml")
	rig.Must(t, os.WriteFile(name, old, 0o600))
	program := rig.Program(t, "reloader")
	started := time.Now()
	rig.Must(t, exec.CommandContext(t.Context(), program, "inject", "-f", name, "--write").Run())
	takes := time.Since(started)
	written, err := os.ReadFile(name)
	rig.Must(t, err)
	if string(written) == string(old) {
		t.Fatal("inject has nothing to write here")
	}
	for i := range 40 {
		rig.Must(t, os.WriteFile(name, old, 0o600))
		cmd := exec.CommandContext(t.Context(), program, "inject", "-f", name, "--write")
		rig.Must(t, cmd.Start())
		kill := time.AfterFunc(takes*time.Duration(i)/40, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
		_ = cmd.Wait() // ended by the signal or by itself
		kill.Stop()
		if b, err := os.ReadFile(name); err != nil || string(b) != string(old) && string(b) != string(written) {
			t.Fatalf("after a signal in the middle: %v\n%s", err, b)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
			t.Fatalf("after a signal in the middle: %v %v", list, err)
		}
	}
}

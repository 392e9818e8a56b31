package ci

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"reloader/test/rig"
)

// A pipe in the place of a file holds no command up.
func TestPipes(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	rig.Must(t, syscall.Mkfifo(fifo, 0o600))
	for _, args := range [][]string{
		{"inject", "-f", fifo, "--prometheus-url", "http://localhost:9090"}, {"check", fifo}, {"check", "--config", fifo}, {"digest", fifo},
	} {
		if o := rig.Command(t, args...); o.Code == 0 {
			t.Errorf("%v: a pipe without a writer was taken: %+v", args, o)
		}
	}
}

// What waits for its standard input ends with the first SIGTERM: pipelines give up in that way.
func TestSignalWhileReading(t *testing.T) {
	for _, args := range [][]string{{"inject", "-f", "-"}, {"check", "-"}} {
		cmd := exec.CommandContext(t.Context(), rig.Program(t, "reloader"), args...)
		in, err := cmd.StdinPipe()
		rig.Must(t, err)
		rig.Must(t, cmd.Start())
		_, err = io.WriteString(in, strings.Repeat("# waiting\n", 20_000)) // more than a pipe holds: it reads
		rig.Must(t, err)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait() // a signal ended it
		}()
		rig.Must(t, cmd.Process.Signal(syscall.SIGTERM))
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			t.Errorf("reloader %s still waits 30 s after SIGTERM", strings.Join(args, " "))
			_ = cmd.Process.Kill()
			<-ended
		}
	}
}

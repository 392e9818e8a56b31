package generic_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"reloader/internal/generic"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// run starts a copy of a program under another name. It ends with the test.
func run(t *testing.T, program, name string, out *rig.Buffer, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip("needs " + program)
	}
	b, err := os.ReadFile(path)
	rig.Must(t, err)
	copied := filepath.Join(t.TempDir(), name)
	rig.WriteProgram(t, copied, string(b))
	cmd := exec.CommandContext(t.Context(), copied, args...)
	cmd.Stdout = out
	rig.Must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// reason is why a process is not ready.
func reason(t *testing.T, d *generic.Signal) string {
	t.Helper()
	o, err := d.Observe(t.Context())
	if err != nil || o.Ready != (o.Reason == "") {
		t.Fatalf("%+v %v", o, err)
	}
	return o.Reason
}

// A process that has no handler for SIGHUP, or has just started, is not ready and gets no signal, because that would kill it. Once
// it has a handler and is old enough, it gets the signal.
func TestSignalNeedsAHandler(t *testing.T) {
	t.Parallel()
	refused := func(d *generic.Signal, why string) {
		t.Helper()
		rig.Until(t, why, func() bool { return strings.Contains(reason(t, d), why) })
		var f *reload.Failure
		if err := d.Reload(t.Context(), reload.Plan{}); !errors.As(err, &f) || !f.Untouched || !strings.Contains(f.Message, why) {
			t.Errorf("reload: %v, want %q", err, why)
		}
	}
	without := "nohup" + strconv.Itoa(os.Getpid())
	// If this process was started with SIGHUP ignored (nohup, some CI runners), its children ignore it too, unless it is caught here.
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hup) })
	run(t, "sleep", without, nil, "600")
	refused(generic.NewSignal(without), "no handler for SIGHUP")

	with := "withhup" + strconv.Itoa(os.Getpid())
	var out rig.Buffer
	run(t, "bash", with, &out, "-c", "trap 'echo reread' HUP; echo trapped; while :; do sleep 0.05; done")
	rig.Until(t, "the handler", func() bool { return strings.Contains(out.String(), "trapped") })
	d := generic.NewSignal(with)
	refused(d, "has just started")
	rig.Until(t, "readiness", func() bool { return reason(t, d) == "" })
	if err := d.Reload(t.Context(), reload.Plan{}); err != nil {
		t.Error(err)
	}
	rig.Until(t, "the signal", func() bool { return strings.Contains(out.String(), "reread") })
}

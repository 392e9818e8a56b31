package confine

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"reloader/test/rig"
)

func init() {
	more["parent"] = func() int {
		_, err := Run(context.Background(), Job{
			Program: os.Getenv("CONFINE_PROGRAM"), Stdin: strings.NewReader("q"), MaxOutput: m, Memory: Budget{Hard: 64 * m, Soft: m},
		})
		fmt.Println(err)
		return 0
	}
}

// A program dies with the process that started it, even if that one is killed, and even if the program itself is stopped.
// Otherwise it would keep working for half a minute, at the same time as the next one.
func TestOrphan(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	rig.Must(t, err)
	for name, signal := range map[string]syscall.Signal{"works": 0, "stopped": syscall.SIGSTOP} {
		dir := t.TempDir()
		program, note := filepath.Join(dir, "judges"), filepath.Join(dir, "pid")
		rig.WriteProgram(t, program, fmt.Sprintf("#!/bin/sh\necho $$ >%s.new && mv %s.new %s\nwhile :; do :; done\n", note, note, note))
		parent := exec.CommandContext(t.Context(), self)
		parent.Env = []string{"CONFINE_DO=parent", "CONFINE_PROGRAM=" + program}
		out, err := parent.StdoutPipe()
		rig.Must(t, err)
		rig.Must(t, parent.Start())
		var pid int
		rig.Until(t, "the program works", func() bool {
			b, _ := os.ReadFile(note)
			n, _ := fmt.Sscan(string(b), &pid)
			return n == 1
		})
		if signal != 0 {
			rig.Must(t, syscall.Kill(pid, signal))
		}
		rig.Must(t, parent.Process.Kill())
		if bufio.NewScanner(out).Scan() {
			t.Errorf("%s: it had already ended when its parent was killed", name)
		}
		_ = parent.Wait()
		rig.Until(t, name+": the program has ended too", func() bool { return gone(pid) })
	}
}

// gone is also true for a zombie.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(b), ") Z ")
}

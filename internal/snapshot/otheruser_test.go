package snapshot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Root can read every file, so the tests of unreadable files run again as another user.
func TestUnreadableAsOtherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("not root: the tests themselves cover this")
	}
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	must(t, os.Chmod(dir, 0o777))
	bin := filepath.Join(dir, "test")
	// The test binary's own directory is closed to others. Copied by another process, the file is
	// not open for writing when it is started.
	must(t, exec.CommandContext(t.Context(), "cp", os.Args[0], bin).Run())
	tests := []string{"TestTakeUnreadable", "TestPermissionSaysWhatToDo"}
	cmd := exec.CommandContext(t.Context(), bin, "-test.run=^("+strings.Join(tests, "|")+")$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"TMPDIR=" + dir, "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range tests {
		if want := "--- PASS: " + name + " "; !strings.Contains(string(out), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

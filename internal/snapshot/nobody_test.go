package snapshot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Root reads what no one may, so the test of unreadable files runs again as another user.
func TestTakeUnreadableAsNobody(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("not root: TestTakeUnreadable covers this")
	}
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	must(t, os.Chmod(dir, 0o777))
	bin := filepath.Join(dir, "test")
	// The test binary's own directory is closed to others. Copied by another process, the file is
	// surely not open for writing when it is started.
	must(t, exec.CommandContext(t.Context(), "cp", os.Args[0], bin).Run())
	cmd := exec.CommandContext(t.Context(), bin, "-test.run=^TestTakeUnreadable$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"TMPDIR=" + dir, "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "--- PASS: TestTakeUnreadable"; !strings.Contains(string(out), want) {
		t.Fatalf("no %q in:\n%s", want, out)
	}
}

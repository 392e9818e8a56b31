package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The error about a file that this user may not read says what to change (https://github.com/prometheus-operator/prometheus-operator/issues/3734).
func TestPermissionSaysWhatToDo(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root reads everything: TestUnreadableAsOtherUser covers this")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.yml"), []byte("x"), 0o200); err != nil {
		t.Fatal(err)
	}
	_, err := Take(t.Context(), Source{Name: "config", Dir: dir}, Limits{})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "defaultMode") || !strings.Contains(err.Error(), "fsGroup") {
		t.Errorf("got %v", err)
	}
}

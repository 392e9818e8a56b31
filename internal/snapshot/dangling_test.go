package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The error about a link to nothing names the link and its target, whether the link is the file itself or a directory on the path. The
// error about a name that does not exist mentions no link.
func TestDanglingLinkIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, to := range map[string]string{"file": "gone.yml", "folder": "/nowhere/folder", "first": "file", "good": "real"} {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("real"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"file": at("file") + " is a link to gone.yml", "folder/x.yml": at("folder") + " is a link to /nowhere/folder",
		"first": at("first") + " is a link to file", "good/x.yml": "", "missing": "", "missing/x.yml": "",
	} {
		_, statErr := Stat(at(name))
		_, readErr := ReadFile(at(name), Limits{})
		_, takeErr := Take(t.Context(), Source{Name: "config", Dir: at(name)}, Limits{})
		for what, err := range map[string]error{"stat": statErr, "read": readErr, "take": takeErr} {
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "is a link") != (want != "") {
				t.Errorf("%s %s: %v", what, name, err)
			}
		}
	}
	if _, err := Stat(at("real")); err != nil {
		t.Error(err)
	}
}

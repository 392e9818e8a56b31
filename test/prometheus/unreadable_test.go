package prometheus

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"reloader/test/rig"
)

// If a pattern in rule_files matches a name that cannot be read, the real server refuses everything. The name is reported at the pattern, and
// no longer after its removal.
func TestUnreadableNameInAPattern(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	rig.WriteTree(t, dir, map[string]string{"prometheus.yml": "global: {scrape_interval: 15s}\nrule_files: [rules/*.yml]\n", "rules/a.yml": "groups: []\n"})
	p := rig.NewPrometheus(t, config)
	p.Start()
	p.Ready()
	const text = `the pattern "rules/*.yml" also matches `
	for name, make := range map[string]func(string) error{
		"link to nothing": func(path string) error { return os.Symlink("nowhere", path) },
		"link to itself":  func(path string) error { return os.Symlink(filepath.Base(path), path) },
	} {
		path := filepath.Join(dir, "rules", ".#a.yml") // as an editor's lock is named
		rig.Must(t, make(path))
		if status, err := post(t, p.URL+"/-/reload"); err != nil || status != http.StatusInternalServerError {
			t.Errorf("%s: the server answers %d, %v", name, status, err)
		}
		if o := rig.Command(t, "check", "--prometheus-config", config); o.Code != 0 || !strings.Contains(o.Stdout, config+":2:14: warning: "+text+`".#a.yml"`) {
			t.Errorf("%s: exit code %d\n%s%s", name, o.Code, o.Stdout, o.Stderr)
		}
		rig.Must(t, os.Remove(path))
	}
	rig.Must(t, syscall.Mkfifo(filepath.Join(dir, "rules", "pipe.yml"), 0o600)) // the server would read it forever
	if o := rig.Command(t, "check", "--prometheus-config", config); !strings.Contains(o.Stdout, text+`"pipe.yml"`) {
		t.Errorf("a pipe: %s%s", o.Stdout, o.Stderr)
	}
	rig.Must(t, os.Rename(filepath.Join(dir, "rules", "pipe.yml"), filepath.Join(dir, "rules", "pipe")))
	if status, err := post(t, p.URL+"/-/reload"); err != nil || status != http.StatusOK {
		t.Errorf("without them the server answers %d, %v", status, err)
	}
	if o := rig.Command(t, "check", "--prometheus-config", config); o.Code != 0 || strings.Contains(o.Stdout, text) {
		t.Errorf("without them: exit code %d\n%s", o.Code, o.Stdout)
	}
}

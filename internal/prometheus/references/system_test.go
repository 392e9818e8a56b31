package references

import (
	"os"
	"path/filepath"
	"testing"
)

// A configuration file cannot make reloader read directories of the system. Directories of mounts are followed.
func TestSystemDirectoriesAreNotFollowed(t *testing.T) {
	t.Parallel()
	for dir, system := range map[string]bool{
		"/": true, "/proc": true, "/proc/1/root/etc": true, "/sys": true, "/dev/shm": true, "/etc": true, "/root": true, "/home": true,
		"/var/run/secrets/kubernetes.io/serviceaccount": true, "/run/secrets/x": true, "/processes": false,
		"/etc/prometheus": false, "/etc/prometheus-rules": false, "/mnt/rules": false, "/home/me/rules": false,
	} {
		if systemDir(dir) != system {
			t.Errorf("%s: %v", dir, !system)
		}
	}
	main := filepath.Join(t.TempDir(), "prometheus.yml")
	text := `rule_files: [/etc/passwd, "/proc/*/*/*", "/sys/*/*/*/*/*/*", "/dev/*", "/etc/../proc/self/environ"]`
	if err := os.WriteFile(main, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := New(Options{ConfigFile: main})
	set, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Snapshots) != 1 || len(r.Dirs()) != 1 {
		t.Errorf("followed %v", r.Dirs())
	}
}

package references

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// If a function transforms the files, references are followed in its output, and its output is what Read returns. Unchanged still compares
// the original files.
func TestChangedReadings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	main, rules := filepath.Join(dir, "etc", "prometheus.yml.up"), filepath.Join(dir, "rules", "a.yml")
	err := errors.Join(os.Mkdir(filepath.Dir(main), 0o755), os.Mkdir(filepath.Dir(rules), 0o755),
		os.WriteFile(main, []byte("RULE_FILES: ['"+filepath.Dir(rules)+"/*.yml']"), 0o644), os.WriteFile(rules, []byte("groups"), 0o644))
	past := time.Now().Add(-time.Hour)
	for _, name := range []string{main, rules, filepath.Dir(main), filepath.Dir(rules)} {
		err = errors.Join(err, os.Chtimes(name, past, past))
	}
	if err != nil {
		t.Fatal(err)
	}
	r := New(Options{ConfigFile: filepath.Join(dir, "etc", "prometheus.yml"), ServerConfigFile: "/gate/prometheus.yml"})
	r.Change(func(s *snapshot.Snapshot) (*snapshot.Snapshot, []finding.Finding) {
		files := map[string][]byte{}
		for _, f := range s.Files {
			b, _ := s.Bytes(f.Name)
			name, up := strings.CutSuffix(f.Name, ".up")
			if up {
				b = []byte(strings.Replace(string(b), "RULE_FILES", "rule_files", 1))
			}
			files[name] = b
		}
		return snapshot.FromFiles(s.Source, files), nil
	})
	set, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Snapshots) != 2 || set.Snapshots[0].Files[0].Name != "prometheus.yml" || set.Snapshots[1].Files[0].Name != "a.yml" {
		t.Fatalf("read %+v", set.Snapshots)
	}
	if b, ok := set.Snapshots[0].Bytes("prometheus.yml"); !ok || !strings.HasPrefix(string(b), "rule_files") {
		t.Errorf("contents %q", b)
	}
	unchanged := func(want bool, what string) {
		t.Helper()
		// A directory that changed a moment ago could change again unnoticed: it counts as unchanged only after some time.
		rig.Until(t, what, func() bool {
			if r.Unchanged(t.Context()) == want {
				return true
			}
			if want {
				if _, err := r.Read(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			return false
		})
	}
	unchanged(true, "unchanged after reading")
	if err := os.WriteFile(rules, []byte("groups: []"), 0o644); err != nil {
		t.Fatal(err)
	}
	unchanged(false, "a rule file changed")
}

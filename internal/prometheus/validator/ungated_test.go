package validator

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/references"
)

type satisfied struct{}

func (satisfied) Validate(context.Context, finding.Request) (finding.Result, error) {
	return finding.Result{}, nil
}

// Rules at an absolute path are read past the gate, and that is said; those below it and what a start
// survives (file_sd) are not mentioned.
func TestWarnUngated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	elsewhere := filepath.Join(dir, "elsewhere")
	for name, text := range map[string]string{
		"etc/prometheus.yml": "rule_files: [rules/*.yml, " + elsewhere + "/*.yml]\n" +
			"scrape_configs: [{job_name: a, file_sd_configs: [{files: [" + dir + "/sd/*.json]}]}]\n",
		"etc/rules/a.yml": "groups: []", "elsewhere/b.yml": "groups: []", "elsewhere/c.yml": "groups: []", "sd/t.json": "[]",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := references.New(references.Options{ConfigFile: filepath.Join(dir, "etc/prometheus.yml"), ServerConfigFile: "/gate/prometheus.yml"})
	set, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Snapshots) != 3 {
		t.Fatalf("%d sources, want the main file's directory, elsewhere and sd", len(set.Snapshots))
	}
	res, err := WarnUngated(satisfied{}, "/gate", r.Role).Validate(t.Context(), finding.Request{Set: set})
	if err != nil || len(res.Findings) != 1 || res.Invalid() {
		t.Fatalf("%v, findings %+v: want one warning", err, res.Findings)
	}
	if f := res.Findings[0]; f.File != filepath.Join(elsewhere, "b.yml") || !strings.Contains(f.Message, elsewhere) {
		t.Errorf("finding %+v", f)
	}
}

package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/config"
	"reloader/internal/sources"
	"reloader/internal/validate"
)

type satisfied struct{}

func (satisfied) Validate(context.Context, validate.Request) (validate.Result, error) {
	return validate.Result{}, nil
}

// Rules at an absolute path are read past the gate, and that is said; those below it and what a start
// survives (file_sd) are not mentioned.
func TestPastGate(t *testing.T) {
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
	target := config.TargetDefaults(config.Prometheus)
	target.ConfigFile.Path = filepath.Join(dir, "etc/prometheus.yml")
	target.Gate = config.Mount{Path: filepath.Join(dir, "gate"), ServerPath: "/gate"}
	r := newReader(target).(*sources.PrometheusReader)
	set, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Snapshots) != 3 {
		t.Fatalf("%d sources, want the main file's directory, elsewhere and sd", len(set.Snapshots))
	}
	res, err := pastGate{satisfied{}, "/gate", r}.Validate(t.Context(), validate.Request{Set: set})
	if err != nil || len(res.Findings) != 1 || res.Invalid() {
		t.Fatalf("%v, findings %+v: want one warning", err, res.Findings)
	}
	if f := res.Findings[0]; f.File != filepath.Join(elsewhere, "b.yml") || !strings.Contains(f.Message, elsewhere) {
		t.Errorf("finding %+v", f)
	}
}

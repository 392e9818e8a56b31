package validator

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/references"
	"reloader/test/rig"
)

// satisfied is a validator without findings.
type satisfied struct{}

func (satisfied) Validate(context.Context, finding.Request) (finding.Result, error) {
	return finding.Result{}, nil
}

// A warning says that the server reads rules at an absolute path without the gate. There is none about
// rules in the gate, and none about target files, because a server starts with broken ones.
func TestWarnUngated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	elsewhere := filepath.Join(dir, "elsewhere")
	rig.WriteTree(t, dir, map[string]string{
		"etc/prometheus.yml": "rule_files: [rules/*.yml, " + elsewhere + "/*.yml]\n" +
			"scrape_configs: [{job_name: a, file_sd_configs: [{files: [" + dir + "/sd/*.json]}]}]\n",
		"etc/rules/a.yml": "groups: []", "elsewhere/b.yml": "groups: []", "elsewhere/c.yml": "groups: []", "sd/t.json": "[]",
	})
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

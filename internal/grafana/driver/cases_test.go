package driver

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana/grafanatest"
	"reloader/internal/snapshot"
)

// goodTrials are the trials of a kind, from the validator's tests, that need nothing but their files and that 12.4 accepted.
func goodTrials(t *testing.T, kind string) []grafanatest.Trial {
	t.Helper()
	all, err := grafanatest.Trials(filepath.Join("..", "validator", "testdata", "cases"), kind)
	if err != nil {
		t.Fatal(err)
	}
	out := slices.DeleteFunc(all, func(c grafanatest.Trial) bool {
		return c.Bad("12.4.0") || len(c.APISeed)+len(c.FilesLinks)+len(c.FilesBase64) > 0
	})
	if len(out) == 0 {
		t.Fatalf("no good trials of %s", kind)
	}
	return out
}

// lay replaces everything in the provisioning directory.
func (s server) lay(t *testing.T, files map[string]string) *snapshot.Set {
	t.Helper()
	entries, err := os.ReadDir(s.provisioning)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(s.provisioning, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	fixtures := filepath.Join(t.TempDir(), "fixtures")
	for name, content := range map[string]string{"dollar.txt": "pa$CR_TOKEN\n", "dollar2.txt": "x${CR_X}y\n", "secret.txt": "s3cret-from-file\n"} {
		if err := os.MkdirAll(fixtures, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(fixtures, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files {
		s.write(t, name, strings.ReplaceAll(content, "@FIX@", fixtures)+"\n")
	}
	entries, err = os.ReadDir(s.provisioning)
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, e.Name())
		}
	}
	return s.read(t, dirs...)
}

// clean removes everything that earlier cases provisioned.
func (s server) clean(t *testing.T, r *rig) {
	t.Helper()
	grafanatest.Clean(t, s.provisioning, func(method, path string, org int64) (int, []byte) {
		var header http.Header
		if org > 0 {
			header = inOrg(org)
		}
		a, err := r.api.do(t.Context(), method, path, header, nil)
		if err != nil {
			t.Fatal(err)
		}
		return a.status, a.body
	})
}

// keepsValues are the cases in which Grafana keeps a value that was removed from the file. This is reported as a difference,
// with its cause.
var keepsValues = map[string]bool{
	"cleared_all_fields": true, "cleared_env_lost": true, "cleared_type": true, "cleared_url_empty_string": true, "x_stale_all_empty": true,
}

// shadowed are the cases in which two dashboards share a uid, or two providers a name, and Grafana shows only one of them. The
// file that is not live is named.
var shadowed = map[string]string{"json_uid_dup": causeShared, "json_uid_dup_then_new": causeShared, "prov_name_dup_two_files": causeNames}

// Files that Grafana accepted are proven, without differences. The exceptions are listed above, with the cause that the
// verdict must name.
func TestContractCases(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, s server) {
		for _, kind := range []string{"datasources", "dashboards", "alerting"} {
			for _, c := range goodTrials(t, kind) {
				t.Run(kind+"/"+c.Case, func(t *testing.T) {
					r := newRig(t, s.url, s.password, nil)
					s.clean(t, r)
					var old *snapshot.Set
					if len(c.Seed) > 0 {
						old = s.lay(t, c.Seed)
						if _, v, err := r.apply(t.Context(), nil, old); err != nil || !v.Proven && v.Cause != shadowed[c.Case] {
							t.Errorf("the files before: %+v %v", v, err)
						}
					}
					p, v, err := r.apply(t.Context(), old, s.lay(t, c.Files))
					switch {
					case finding.HasErrors(p.Findings):
						t.Errorf("refused: %+v", p.Findings)
					case err != nil:
						t.Errorf("%v", err)
					case keepsValues[c.Case]:
						if v.Proven || len(v.Differences) == 0 || v.Cause != causeKept {
							t.Errorf("%+v", v)
						}
					case shadowed[c.Case] != "":
						if v.Proven || len(v.Differences) != 1 || v.Cause != shadowed[c.Case] {
							t.Errorf("%+v", v)
						}
					case len(v.Differences) > 0 && v.Cause == causeUnread:
						if v.Proven || !v.Mismatch || !skipped(c) {
							t.Errorf("%+v", v)
						}
					case !v.Proven || len(v.Differences) > 0 || len(v.NotCompared) > 0:
						t.Errorf("%+v", v)
					}
				})
			}
		}
	})
}

// skipped reports whether Grafana skips a dashboard of a case.
func skipped(c grafanatest.Trial) bool {
	for name, content := range c.Files {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		if _, reason := (&dashboardFiles{}).parse([]byte(content)); reason != "" {
			return true
		}
	}
	return false
}

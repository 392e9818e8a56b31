package references

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/snapshot"
	"reloader/test/rig"
)

const mainFile = `
global: {scrape_interval: 15s}
rule_files: [rules/*.yml, "../shared/team-*/*.yml", TOP/abs/one.yml, TOP/abs/deep/*.yml, TOP/absent/*.yml, "[bad", /top.yml]
scrape_config_files:
  - "../scrape/*.yml"
scrape_configs:
  - job_name: a
    file_sd_configs: [{files: [sd/a.json, TOP/sd/b.json]}]
alerting:
  alertmanagers: [{file_sd_configs: [{files: ["../am/*.json"]}]}]
`

// prometheusTree is a directory with the main file in etc, the files that it names in all places, and files that it does not name.
func prometheusTree(t testing.TB) string {
	t.Helper()
	top := t.TempDir()
	rig.WriteTree(t, top, map[string]string{
		"etc/prometheus.yml": strings.ReplaceAll(mainFile, "TOP", top), "etc/rules/r.yml": "", "etc/sd/a.json": "", "etc/password": "",
		"shared/team-a/s.yml": "", "shared/team-a/s.txt": "", "shared/b/s.yml": "",
		"abs/one.yml": "", "abs/two.yml": "", "abs/deep/d.yml": "",
		"scrape/s.yml":          "scrape_configs: [{file_sd_configs: [{files: [targets/*.json, ../late/x.json]}]}]",
		"scrape/targets/t.json": "", "late/x.json": "", "late/y.json": "", "sd/b.json": "", "am/m.json": "", "unrelated/u.yml": "",
	})
	return top
}

// All files that a main file names are read, also those named by its scrape_config_files, and each has its role. A missing directory is watched.
// While the main file is broken, the previous references count.
func TestPrometheusFollowsReferences(t *testing.T) {
	t.Parallel()
	top := prometheusTree(t)
	r := New(Options{ConfigFile: filepath.Join(top, "etc/prometheus.yml")})
	set, err := r.Read(t.Context())
	rig.Must(t, err)
	want := map[string][]string{
		"config":    {"password", "prometheus.yml", "rules/r.yml", "sd/a.json"},
		"../shared": {"team-a/s.yml"},
		"TOP/abs":   {"deep/d.yml", "one.yml"},
		"../scrape": {"s.yml", "targets/t.json"},
		"../late":   {"x.json"},
		"TOP/sd":    {"b.json"},
		"../am":     {"m.json"},
	}
	if d := cmp.Diff(want, rig.FilesBySource(t, set, top)); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
	wantDirs := []string{"abs", "absent", "am", "etc", "late", "scrape", "sd", "shared"}
	if d := cmp.Diff(wantDirs, rig.Relative(r.Dirs(), top)); d != "" {
		t.Errorf("directories (-want +got):\n%s", d)
	}
	for name, role := range map[string]Role{
		"etc/prometheus.yml": Main, "etc/rules/r.yml": Rule, "etc/rules/not.txt": Other, "shared/team-x/any.yml": Rule, "abs/one.yml": Rule,
		"abs/two.yml": Other, "scrape/s.yml": ScrapeConfig, "scrape/targets/t.json": FileSD, "etc/sd/a.json": FileSD, "am/m.json": FileSD, "etc/password": Other,
	} {
		if got := r.Role(filepath.Join(top, name)); got != role {
			t.Errorf("%s is %s, want %s", name, got, role)
		}
	}
	// A missing directory appears, and a broken file in the meantime hides nothing.
	rig.WriteTree(t, top, map[string]string{"absent/r.yml": "", "etc/prometheus.yml": "rule_files: [x"})
	if r.Unchanged(t.Context()) {
		t.Error("the new directory is not noticed")
	}
	set, err = r.Read(t.Context())
	rig.Must(t, err)
	want["TOP/absent"] = []string{"r.yml"}
	if d := cmp.Diff(want, rig.FilesBySource(t, set, top)); d != "" {
		t.Errorf("sources with a broken main file (-want +got):\n%s", d)
	}
	if r.Role(filepath.Join(top, "abs/one.yml")) != Rule {
		t.Error("a broken main file made a rule file something else")
	}
	rig.WriteTree(t, top, map[string]string{"etc/prometheus.yml": "{}"})
	set, err = r.Read(t.Context())
	rig.Must(t, err)
	if names := slices.Collect(maps.Keys(rig.FilesBySource(t, set, top))); len(names) != 1 || len(r.Dirs()) != 1 {
		t.Errorf("without references: %v, %v", names, r.Dirs())
	}
}

// A copy of a tree in another place has the same digest, if the files name no absolute path.
func TestPrometheusDigestIgnoresThePlace(t *testing.T) {
	t.Parallel()
	var digests []snapshot.Digest
	for range 2 {
		top := t.TempDir()
		rig.WriteTree(t, top, map[string]string{"etc/p.yml": "rule_files: [../r/*.yml]", "r/a.yml": "a", "more/b.yml": "b"})
		set, err := New(Options{
			ConfigFile: filepath.Join(top, "etc/p.yml"), Dirs: []snapshot.Source{{Dir: filepath.Join(top, "more")}},
		}).Read(t.Context())
		rig.Must(t, err)
		if len(set.Snapshots) != 3 {
			t.Fatalf("%d sources", len(set.Snapshots))
		}
		digests = append(digests, set.Digest)
	}
	if digests[0] != digests[1] {
		t.Error("the digest depends on the place")
	}
}

// If the server sees the files under other paths, references are the server's paths. A directory that is not mapped is expected at the server's
// path.
func TestPrometheusServerPaths(t *testing.T) {
	t.Parallel()
	top := prometheusTree(t)
	rig.WriteTree(t, top, map[string]string{"etc/prometheus.yml": "rule_files: [rules/*.yml, /srv/extra/*.yml, TOP/abs/*.yml, /srv/prom/rules/x.yml, ../unrelated/*.yml]"})
	r := New(Options{
		ConfigFile: filepath.Join(top, "etc/prometheus.yml"), ServerConfigFile: "/srv/prom/prometheus.yml",
		Dirs: []snapshot.Source{
			{Dir: filepath.Join(top, "shared"), ServerDir: "/srv/extra"},
			{Dir: filepath.Join(top, "etc/rules"), ServerDir: "/srv/prom/rules"}, // already in the first one
		},
	})
	set, err := r.Read(t.Context())
	rig.Must(t, err)
	want := map[string][]string{
		"config":  {"password", "prometheus.yml", "rules/r.yml", "sd/a.json"},
		"shared":  {"b/s.yml", "team-a/s.txt", "team-a/s.yml"},
		"TOP/abs": {"one.yml", "two.yml"},
	}
	if d := cmp.Diff(want, rig.FilesBySource(t, set, top)); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
	if ref, ok := set.File(r.main); !ok || ref.UserPath() != filepath.Join(top, "etc/prometheus.yml") {
		t.Errorf("main file %s: %v %v", r.main, ok, ref)
	}
	if ref, ok := set.File(filepath.Join(top, "abs/one.yml")); !ok || ref.Snapshot.Source.ServerDir == "" {
		t.Error("a followed directory has no path of the server: a gate would publish it")
	}
	for p, role := range map[string]Role{"/srv/prom/rules/r.yml": Rule, "/srv/prom/prometheus.yml": Main, filepath.Join(top, "etc/rules/r.yml"): Other} {
		if got := r.Role(p); got != role {
			t.Errorf("%s is %s, want %s", p, got, role)
		}
	}
}

// A missing directory of the main file, or one that the user named, is an error with the source's name, and is watched. A missing main file is
// not, because the validator reports it, and neither is a reference to a path that cannot exist.
func TestPrometheusErrors(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	r := New(Options{ConfigFile: filepath.Join(top, "none/p.yml")})
	if _, err := r.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"config"`) {
		t.Errorf("no directory: %v", err)
	}
	if d := rig.Relative(r.Dirs(), top); len(d) != 1 || d[0] != "none" {
		t.Errorf("the missing directory is not watched: %v", d)
	}
	rig.WriteTree(t, top, map[string]string{"none/other.yml": "x", "file": "x"})
	set, err := r.Read(t.Context())
	rig.Must(t, err) // the validator says that the main file is missing
	if set.Len() != 1 {
		t.Errorf("%d files", set.Len())
	}
	rig.WriteTree(t, top, map[string]string{"none/p.yml": "rule_files: [TOP/file/x.yml]"})
	if set, err = r.Read(t.Context()); err != nil || len(set.Snapshots) != 1 {
		t.Errorf("a reference below a file: %v, %v", set, err)
	}
	r = New(Options{ConfigFile: filepath.Join(top, "none/p.yml"), Dirs: []snapshot.Source{{Dir: filepath.Join(top, "rules")}}})
	if _, err := r.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"rules"`) {
		t.Errorf("a directory that the user named does not exist: %v", err)
	}
}

// If the main file's directory has more than the limits allow, only the files that are named are read. With a gate this is an error.
func TestPrometheusNarrows(t *testing.T) {
	t.Parallel()
	top := prometheusTree(t)
	rig.WriteTree(t, top, map[string]string{"etc/huge": strings.Repeat("x", 5000), "etc/rules/not-a-rule": ""})
	lim := snapshot.Limits{MaxFileSize: 4000}
	file := filepath.Join(top, "etc/prometheus.yml")
	r := New(Options{ConfigFile: file, ServerConfigFile: file, Limits: lim})
	want := []string{"prometheus.yml", "rules/r.yml", "sd/a.json"}
	for range 2 {
		set, err := r.Read(t.Context())
		rig.Must(t, err)
		all := rig.FilesBySource(t, set, top)
		if d := cmp.Diff(want, all["config"]); d != "" || len(all) != 7 {
			t.Errorf("%d sources (-want +got):\n%s", len(all), d)
		}
		rig.WriteTree(t, top, map[string]string{"etc/prometheus.yml": mainFile + "]broken"}) // the second time
	}
	_, err := New(Options{ConfigFile: file, ServerConfigFile: "/gate/prometheus.yml", Limits: lim}).Read(t.Context())
	if !errors.Is(err, snapshot.ErrLimit) {
		t.Errorf("a gate cannot publish half of it: %v", err)
	}
	rig.WriteTree(t, top, map[string]string{"etc/rules/r.yml": strings.Repeat("x", 5000)})
	if _, err := r.Read(t.Context()); !errors.Is(err, snapshot.ErrLimit) || !strings.Contains(err.Error(), "r.yml") {
		t.Errorf("a rule file that is too large: %v", err)
	}
}

// A relative path of the main file works like an absolute one, and does not read a directory twice.
func TestPrometheusRelativeConfigFile(t *testing.T) {
	top := t.TempDir()
	rig.WriteTree(t, top, map[string]string{"p.yml": "rule_files: [TOP/rules/*.yml, rules/*.yml]", "rules/a.yml": ""})
	t.Chdir(top)
	r := New(Options{ConfigFile: "p.yml"})
	set, err := r.Read(t.Context())
	rig.Must(t, err)
	if len(set.Snapshots) != 1 || set.Len() != 2 || r.Role("rules/a.yml") != Rule || r.Role("p.yml") != Main {
		t.Errorf("%d sources, %d files, %s", len(set.Snapshots), set.Len(), r.Role("rules/a.yml"))
	}
	rig.WriteTree(t, top, map[string]string{"p.yml": "rule_files: [rules/*.yml]", "huge": strings.Repeat("x", 5000), "rules/.x": ""})
	set, err = New(Options{ConfigFile: "p.yml", Limits: snapshot.Limits{MaxFileSize: 4000}}).Read(t.Context())
	rig.Must(t, err)
	if d := cmp.Diff(map[string][]string{"config": {"p.yml", "rules/a.yml"}}, rig.FilesBySource(t, set, top)); d != "" {
		t.Error(d)
	}
}

// Main, rule and scrape config files need a reload. Prometheus reads files of targets and credentials by itself.
func TestRolesThatNeedAReload(t *testing.T) {
	t.Parallel()
	for role, want := range map[Role]bool{Main: true, Rule: true, ScrapeConfig: true, FileSD: false, Other: false} {
		if role.NeedsReload() != want {
			t.Errorf("%s: %v", role, !want)
		}
	}
}

// If the main file has another base name on the server, its references are still followed.
func TestOtherBaseName(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	rig.WriteTree(t, top, map[string]string{"etc/p.yml": "rule_files: [" + top + "/r/*.yml]", "r/a.yml": "a"})
	for _, server := range []string{"/etc/prometheus/prom.yaml", filepath.Join(top, "etc", "prom.yaml"), "/etc/prometheus/..data/prom.yaml"} {
		r := New(Options{ConfigFile: filepath.Join(top, "etc/p.yml"), ServerConfigFile: server})
		set, err := r.Read(t.Context())
		rig.Must(t, err)
		want := map[string][]string{"config": {"p.yml"}, "TOP/r": {"a.yml"}}
		if d := cmp.Diff(want, rig.FilesBySource(t, set, top)); d != "" {
			t.Errorf("%s (-want +got):\n%s", server, d)
		}
		if role := r.Role(set.Snapshots[0].Source.ServerPath("p.yml")); role != Main {
			t.Errorf("%s: the main file is %s", server, role)
		}
	}
}

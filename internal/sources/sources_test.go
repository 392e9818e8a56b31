package sources

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte(strings.ReplaceAll(text, "TOP", dir)), 0o644))
	}
}

var _ = []reload.Reader{(*Reader)(nil), (*PrometheusReader)(nil)}

// got are the files of a set, by source and name.
func got(t testing.TB, set *snapshot.Set, top string) map[string][]string {
	t.Helper()
	m := map[string][]string{}
	for ref := range set.All() {
		if _, ok := ref.Bytes(); !ok {
			t.Errorf("%s has no contents", ref.UserPath())
		}
		name := strings.ReplaceAll(ref.Snapshot.Source.Name, top, "TOP")
		m[name] = append(m[name], ref.Name)
	}
	return m
}

func relative(dirs []string, top string) []string {
	out := make([]string, len(dirs))
	for i, d := range dirs {
		out[i], _ = filepath.Rel(top, d)
	}
	slices.Sort(out)
	return out
}

func TestFixed(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	write(t, top, map[string]string{"one/a": "1", "two/b": "2"})
	r := Fixed(snapshot.Limits{}, snapshot.Source{Name: "x", Dir: filepath.Join(top, "one")}, snapshot.Source{Name: "x", Dir: filepath.Join(top, "two")}).
		Optional(snapshot.Source{Name: "x", Dir: filepath.Join(top, "three")})
	if r.Unchanged(t.Context()) {
		t.Error("unchanged before the first reading")
	}
	set, err := r.Read(t.Context())
	must(t, err)
	if d := cmp.Diff(map[string][]string{"x": {"a"}, "x-2": {"b"}}, got(t, set, top)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"one", "three", "two"}, relative(r.Dirs(), top)); d != "" {
		t.Error(d)
	}
	rig.Until(t, "an untouched tree counts as unchanged", func() bool { _, err := r.Read(t.Context()); must(t, err); return r.Unchanged(t.Context()) })
	write(t, top, map[string]string{"three/c": "3"})
	if r.Unchanged(t.Context()) {
		t.Error("the optional directory that came is not seen")
	}
	set, err = r.Read(t.Context())
	must(t, err)
	if d := cmp.Diff(map[string][]string{"x": {"a"}, "x-2": {"b"}, "x-3": {"c"}}, got(t, set, top)); d != "" {
		t.Error(d)
	}
	must(t, os.RemoveAll(filepath.Join(top, "one")))
	if _, err = r.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("got %v, want that source x does not exist", err)
	}
	if r.Unchanged(t.Context()) {
		t.Error("unchanged after a failed reading")
	}
}

func TestOnlyOptional(t *testing.T) {
	t.Parallel()
	r := Fixed(snapshot.Limits{}).Optional(Grafana(filepath.Join(t.TempDir(), "none"), "")...)
	if _, err := r.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that nothing exists", err)
	}
	if _, err := Fixed(snapshot.Limits{}).Read(t.Context()); err == nil {
		t.Error("no source at all was read")
	}
}

func TestGrafana(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	write(t, top, map[string]string{
		"provisioning/datasources/a.yml": "", "provisioning/alerting/b.yml": "", "provisioning/other/c.yml": "",
		"gr*f[a]na.ini": "", "other.ini": "", "grafana.ini": "",
	})
	set, err := Fixed(snapshot.Limits{}).Optional(Grafana(filepath.Join(top, "provisioning"), filepath.Join(top, "gr*f[a]na.ini"))...).Read(t.Context())
	must(t, err)
	want := map[string][]string{"datasources": {"a.yml"}, "alerting": {"b.yml"}, "grafana-ini": {"gr*f[a]na.ini"}}
	if d := cmp.Diff(want, got(t, set, top)); d != "" {
		t.Error(d)
	}
}

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

func prometheusTree(t testing.TB) string {
	t.Helper()
	top := t.TempDir()
	write(t, top, map[string]string{
		"etc/prometheus.yml": strings.ReplaceAll(mainFile, "TOP", top), "etc/rules/r.yml": "", "etc/sd/a.json": "", "etc/password": "",
		"shared/team-a/s.yml": "", "shared/team-a/s.txt": "", "shared/b/s.yml": "",
		"abs/one.yml": "", "abs/two.yml": "", "abs/deep/d.yml": "",
		"scrape/s.yml":          "scrape_configs: [{file_sd_configs: [{files: [targets/*.json, ../late/x.json]}]}]",
		"scrape/targets/t.json": "", "late/x.json": "", "late/y.json": "", "sd/b.json": "", "am/m.json": "", "unrelated/u.yml": "",
	})
	return top
}

func TestPrometheusFollowsReferences(t *testing.T) {
	t.Parallel()
	top := prometheusTree(t)
	r := Prometheus(PrometheusOptions{ConfigFile: filepath.Join(top, "etc/prometheus.yml")})
	var told []string
	r.OnDirs(func(dirs []string) { told = dirs })
	set, err := r.Read(t.Context())
	must(t, err)
	if !slices.Equal(told, r.Dirs()) {
		t.Errorf("told to watch %v", told)
	}
	want := map[string][]string{
		"config":    {"password", "prometheus.yml", "rules/r.yml", "sd/a.json"},
		"../shared": {"team-a/s.yml"},
		"TOP/abs":   {"deep/d.yml", "one.yml"},
		"../scrape": {"s.yml", "targets/t.json"},
		"../late":   {"x.json"},
		"TOP/sd":    {"b.json"},
		"../am":     {"m.json"},
	}
	if d := cmp.Diff(want, got(t, set, top)); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
	wantDirs := []string{"abs", "absent", "am", "etc", "late", "scrape", "sd", "shared"}
	if d := cmp.Diff(wantDirs, relative(r.Dirs(), top)); d != "" {
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
	// The directory that was not there comes, and what is broken meanwhile takes nothing out of view.
	write(t, top, map[string]string{"absent/r.yml": "", "etc/prometheus.yml": "rule_files: [x"})
	if r.Unchanged(t.Context()) {
		t.Error("the directory that came is not seen")
	}
	set, err = r.Read(t.Context())
	must(t, err)
	want["TOP/absent"] = []string{"r.yml"}
	if d := cmp.Diff(want, got(t, set, top)); d != "" {
		t.Errorf("sources with a broken main file (-want +got):\n%s", d)
	}
	if r.Role(filepath.Join(top, "abs/one.yml")) != Rule {
		t.Error("a broken main file made a rule file something else")
	}
	write(t, top, map[string]string{"etc/prometheus.yml": "{}"})
	set, err = r.Read(t.Context())
	must(t, err)
	if names := slices.Collect(maps.Keys(got(t, set, top))); len(names) != 1 || len(r.Dirs()) != 1 {
		t.Errorf("without references: %v, %v", names, r.Dirs())
	}
}

// The same tree at another place has the same digest, as long as the file names nothing absolute.
func TestPrometheusDigestIgnoresThePlace(t *testing.T) {
	t.Parallel()
	var digests []snapshot.Digest
	for range 2 {
		top := t.TempDir()
		write(t, top, map[string]string{"etc/p.yml": "rule_files: [../r/*.yml]", "r/a.yml": "a", "more/b.yml": "b"})
		set, err := Prometheus(PrometheusOptions{
			ConfigFile: filepath.Join(top, "etc/p.yml"), Dirs: []snapshot.Source{{Dir: filepath.Join(top, "more")}},
		}).Read(t.Context())
		must(t, err)
		if len(set.Snapshots) != 3 {
			t.Fatalf("%d sources", len(set.Snapshots))
		}
		digests = append(digests, set.Digest)
	}
	if digests[0] != digests[1] {
		t.Error("the place is part of the digest")
	}
}

// The server sees the files elsewhere: references are the server's, and what it reads elsewhere and
// is not mapped is looked for under the server's path.
func TestPrometheusServerPaths(t *testing.T) {
	t.Parallel()
	top := prometheusTree(t)
	write(t, top, map[string]string{"etc/prometheus.yml": "rule_files: [rules/*.yml, /srv/extra/*.yml, TOP/abs/*.yml, /srv/prom/rules/x.yml, ../unrelated/*.yml]"})
	r := Prometheus(PrometheusOptions{
		ConfigFile: filepath.Join(top, "etc/prometheus.yml"), ServerConfigFile: "/srv/prom/prometheus.yml",
		Dirs: []snapshot.Source{
			{Dir: filepath.Join(top, "shared"), ServerDir: "/srv/extra"},
			{Dir: filepath.Join(top, "etc/rules"), ServerDir: "/srv/prom/rules"}, // in the first one already
		},
	})
	set, err := r.Read(t.Context())
	must(t, err)
	want := map[string][]string{
		"config":  {"password", "prometheus.yml", "rules/r.yml", "sd/a.json"},
		"shared":  {"b/s.yml", "team-a/s.txt", "team-a/s.yml"},
		"TOP/abs": {"one.yml", "two.yml"},
	}
	if d := cmp.Diff(want, got(t, set, top)); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
	if ref, ok := set.File(r.MainFile()); !ok || ref.UserPath() != filepath.Join(top, "etc/prometheus.yml") {
		t.Errorf("main file %s: %v %v", r.MainFile(), ok, ref)
	}
	if ref, ok := set.File(filepath.Join(top, "abs/one.yml")); !ok || ref.Snapshot.Source.ServerDir == "" {
		t.Error("a followed directory must say where the server reads it, lest a gate publishes it")
	}
	for p, role := range map[string]Role{"/srv/prom/rules/r.yml": Rule, "/srv/prom/prometheus.yml": Main, filepath.Join(top, "etc/rules/r.yml"): Other} {
		if got := r.Role(p); got != role {
			t.Errorf("%s is %s, want %s", p, got, role)
		}
	}
}

func TestPrometheusErrors(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	r := Prometheus(PrometheusOptions{ConfigFile: filepath.Join(top, "none/p.yml")})
	if _, err := r.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"config"`) {
		t.Errorf("no directory: %v", err)
	}
	if d := relative(r.Dirs(), top); len(d) != 1 || d[0] != "none" {
		t.Errorf("the missing directory is not watched: %v", d)
	}
	write(t, top, map[string]string{"none/other.yml": "x", "file": "x"})
	set, err := r.Read(t.Context())
	must(t, err) // the validator says that the main file is missing
	if set.Len() != 1 {
		t.Errorf("%d files", set.Len())
	}
	write(t, top, map[string]string{"none/p.yml": "rule_files: [TOP/file/x.yml, '../none2/*']"})
	write(t, top, map[string]string{"none/p.yml": "rule_files: [" + top + "/file/x.yml]"})
	if set, err = r.Read(t.Context()); err != nil || len(set.Snapshots) != 1 {
		t.Errorf("a reference below a file: %v, %v", set, err)
	}
	r = Prometheus(PrometheusOptions{ConfigFile: filepath.Join(top, "none/p.yml"), Dirs: []snapshot.Source{{Dir: filepath.Join(top, "rules")}}})
	if _, err := r.Read(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"rules"`) {
		t.Errorf("a directory that the user named does not exist: %v", err)
	}
}

// Beside the main file there is more than can be read: then only what the files name is read.
func TestPrometheusNarrows(t *testing.T) {
	t.Parallel()
	top := prometheusTree(t)
	write(t, top, map[string]string{"etc/huge": strings.Repeat("x", 5000), "etc/rules/not-a-rule": ""})
	lim := snapshot.Limits{MaxFileSize: 4000}
	file := filepath.Join(top, "etc/prometheus.yml")
	r := Prometheus(PrometheusOptions{ConfigFile: file, ServerConfigFile: file, Limits: lim})
	want := []string{"prometheus.yml", "rules/r.yml", "sd/a.json"}
	for range 2 {
		set, err := r.Read(t.Context())
		must(t, err)
		all := got(t, set, top)
		if d := cmp.Diff(want, all["config"]); d != "" || len(all) != 7 {
			t.Errorf("%d sources (-want +got):\n%s", len(all), d)
		}
		write(t, top, map[string]string{"etc/prometheus.yml": mainFile + "]broken"}) // the second time
	}
	_, err := Prometheus(PrometheusOptions{ConfigFile: file, ServerConfigFile: "/gate/prometheus.yml", Limits: lim}).Read(t.Context())
	if !errors.Is(err, snapshot.ErrLimit) {
		t.Errorf("a gate cannot publish half of it: %v", err)
	}
	write(t, top, map[string]string{"etc/rules/r.yml": strings.Repeat("x", 5000)})
	if _, err := r.Read(t.Context()); !errors.Is(err, snapshot.ErrLimit) || !strings.Contains(err.Error(), "r.yml") {
		t.Errorf("a rule file that is too large: %v", err)
	}
}

func TestPrometheusRelativeConfigFile(t *testing.T) {
	top := t.TempDir()
	write(t, top, map[string]string{"p.yml": "rule_files: [TOP/rules/*.yml, rules/*.yml]", "rules/a.yml": ""})
	t.Chdir(top)
	r := Prometheus(PrometheusOptions{ConfigFile: "p.yml"})
	set, err := r.Read(t.Context())
	must(t, err)
	if len(set.Snapshots) != 1 || set.Len() != 2 || r.Role("rules/a.yml") != Rule || r.Role("p.yml") != Main {
		t.Errorf("%d sources, %d files, %s", len(set.Snapshots), set.Len(), r.Role("rules/a.yml"))
	}
	write(t, top, map[string]string{"p.yml": "rule_files: [rules/*.yml]", "huge": strings.Repeat("x", 5000), "rules/.x": ""})
	set, err = Prometheus(PrometheusOptions{ConfigFile: "p.yml", Limits: snapshot.Limits{MaxFileSize: 4000}}).Read(t.Context())
	must(t, err)
	if d := cmp.Diff(map[string][]string{"config": {"p.yml", "rules/a.yml"}}, got(t, set, top)); d != "" {
		t.Error(d)
	}
}

func TestRolesThatNeedAReload(t *testing.T) {
	t.Parallel()
	for role, want := range map[Role]bool{Main: true, Rule: true, ScrapeConfig: true, FileSD: false, Other: false} {
		if role.NeedsReload() != want {
			t.Errorf("%s: %v", role, !want)
		}
	}
}

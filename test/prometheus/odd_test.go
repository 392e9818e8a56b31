package prometheus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// A server may show paths, names and values in another way than the files. That is not a difference, and a change in such files
// is proven.
func TestOddFilesOfAGoodServer(t *testing.T) {
	t.Parallel()
	const odd = `groups:
- name: "odd: \"name\" # é"
  labels: {team: a, gone: b}
  rules:
  - alert: Down
    expr: "up ==  VALUE # a comment"
    labels: {severity: "", gone: ""}
    annotations: {summary: "", text: "two\nlines"}
  - {record: "a:b", expr: vector(1), labels: {empty: ""}}
- name: empty
  rules: []
`
	for name, pattern := range map[string]string{
		"two slashes": "DIR//a.rules", "two slashes and a pattern": "DIR//*.rules", "dot": "DIR/./a.rules", "up and down": "DIR/../v/a.rules",
		"twice": "DIR/a.rules', 'DIR/*.rules", "twice, with a dot": "DIR/./a.rules', 'DIR/*.rules", "relative": "./a.rules", "relative, up": "../v//a.rules",
		"class": "DIR/[a].rules",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "v")
			files := func(value string) map[string]string {
				return map[string]string{
					"prometheus.yml": rig.Jobs("global: {external_labels: {empty: '', set: $PATH, unset: '${NOT_SET}', part: 'a-${NOT_SET}'}}\nrule_files: ['"+strings.ReplaceAll(pattern, "DIR", dir)+"']\n", "self", "'a: \"b\" # c'"),
					"a.rules":        strings.Replace(odd, "VALUE", value, 1),
				}
			}
			v := volume.New(t, dir, files("0"))
			server := rig.NewPrometheus(t, filepath.Join(dir, "prometheus.yml"))
			p := startPair(t, server, v, "--prometheus-config", filepath.Join(dir, "prometheus.yml"))
			first := p.synced()
			v.Swap(files("1"))
			p.Reaches("the change is proven", func(s reload.Status) bool {
				if s.Phase == reload.Mismatch {
					t.Fatalf("%q", s.Differences)
				}
				return s.Wanted != first.Wanted && s.Phase == reload.InSync
			})
			if err := runsRule(t, server, "up == 1"); err != nil {
				t.Error(err)
			}
		})
	}
}

// The server keeps the main file of its start, and the new one differs only in a setting that flags or the environment may also set. What
// can be compared is a difference. For the rest, the status says that it was not compared, or that it rests on the reload.
func TestStaleValuesOfTheEnvironment(t *testing.T) {
	t.Parallel()
	const labels = "values of variables in external labels by the reload after the last change"
	for name, c := range map[string]struct{ before, after, says string }{
		"log level taken out":      {"runtime: {log_level: debug}\n", "", `section "runtime" differs in log_level`},
		"retention taken out":      {"storage: {tsdb: {retention: {time: 5d}}}\n", "", "storage.tsdb.retention: the files no longer set it"},
		"retention size taken out": {"storage: {tsdb: {retention: {time: 15d, size: 5GB}}}\n", "", "storage.tsdb.retention: the files no longer set it"},
		"gogc taken out":           {"runtime: {gogc: 50}\n", "", "runtime.gogc: the files leave it to the server"},
		"label from a variable":    {"global: {external_labels: {cluster: one}}\n", "global: {external_labels: {cluster: $HOME}}\n", labels},
		"fixed part of a label":    {"global: {external_labels: {cluster: one-$HOME}}\n", "global: {external_labels: {cluster: two-$HOME}}\n", `external label "cluster" differs`},
		"another variable":         {"global: {external_labels: {cluster: $HOME}}\n", "global: {external_labels: {cluster: $PATH}}\n", labels},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVolume(t, "prometheus.yml", rig.Jobs(c.before, "self"))
			file := filepath.Join(t.TempDir(), "prometheus.yml")
			rig.Must(t, os.WriteFile(file, nil, 0o600))
			server := rig.NewPrometheusIn(t, file, "mount --bind "+v.Dir+"/prometheus.yml "+file)
			p := startPair(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml")+"="+file)
			first := p.synced()
			v.Swap(map[string]string{"prometheus.yml": rig.Jobs(c.after, "self")})
			s := p.Reaches("a verdict on the change", func(s reload.Status) bool {
				return s.Wanted != first.Wanted && (s.Phase == reload.Mismatch || s.Phase == reload.InSync)
			})
			said := strings.Join(append(append(s.Differences, s.NotCompared...), s.Proof), "\n")
			if differs := strings.Contains(c.says, " differs"); differs != (s.Phase == reload.Mismatch) || !strings.Contains(said, c.says) {
				t.Errorf("%s, and nothing says %q: %s", s.Phase, c.says, said)
			}
		})
	}
}

// Settings that a server has from its flags, because the files do not set them, are not differences.
func TestValuesOfTheFlags(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"none":  nil,
		"time":  {"--storage.tsdb.retention.time=36h"},
		"size":  {"--storage.tsdb.retention.size=512MB"},
		"both":  {"--storage.tsdb.retention.time=90d", "--storage.tsdb.retention.size=1TB"},
		"zero":  {"--storage.tsdb.retention.time=0s"},
		"weeks": {"--storage.tsdb.retention.time=2w"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVolume(t, "prometheus.yml", rig.Jobs("", "self"))
			config := filepath.Join(v.Dir, "prometheus.yml")
			p := startPair(t, rig.NewPrometheusIn(t, config, "", flags...), v, "--prometheus-config", config)
			if s := p.synced(); len(s.NotCompared) > 0 || s.Counts.Mismatches > 0 {
				t.Errorf("%d mismatches, not compared %q", s.Counts.Mismatches, s.NotCompared)
			}
			v.Swap(map[string]string{"prometheus.yml": rig.Jobs("storage: {tsdb: {retention: {time: 3d}}}\n", "self")})
			p.ReachesWith(v.Dir, reload.InSync)
			v.Swap(map[string]string{"prometheus.yml": rig.Jobs("storage: {tsdb: {out_of_order_time_window: 5m}}\n", "self")})
			if s := p.ReachesWith(v.Dir, reload.InSync); len(s.NotCompared) > 0 || s.Counts.Mismatches > 0 {
				t.Errorf("%d mismatches, not compared %q", s.Counts.Mismatches, s.NotCompared)
			}
		})
	}
}

// The configuration and the jobs of an agent are compared like those of a server. It has no rules.
func TestAgent(t *testing.T) {
	t.Parallel()
	main := func(interval string) map[string]string {
		return map[string]string{
			"prometheus.yml": rig.Jobs("scrape_config_files: [a.scrape]\nremote_write: [{url: 'http://127.0.0.1:1/write'}]\n", "self"),
			"a.scrape":       rig.Jobs("", "file") + "  scrape_interval: " + interval + "\n",
		}
	}
	v := volume.New(t, filepath.Join(t.TempDir(), "v"), main("20s"))
	config := filepath.Join(v.Dir, "prometheus.yml")
	copied := t.TempDir()
	for name, text := range main("20s") {
		rig.Must(t, os.WriteFile(filepath.Join(copied, name), []byte(text), 0o600))
	}
	flags := `for a; do shift; case $a in --storage.tsdb.path=*) set -- "$@" --agent --storage.agent.path="${a#*=}";; *) set -- "$@" "$a";; esac; done`
	server := rig.NewPrometheusIn(t, config, flags+"; [ ! -e "+copied+"/stale ] || mount --bind "+copied+" "+v.Dir)
	p := startPair(t, server, v, "--prometheus-config", config)
	first := p.synced()
	if len(first.NotCompared) > 0 || strings.Contains(first.Proof, "rule") {
		t.Errorf("proof %q, not compared %q", first.Proof, first.NotCompared)
	}
	v.Swap(main("30s"))
	p.ReachesWith(v.Dir, reload.InSync)
	rig.Must(t, os.WriteFile(filepath.Join(copied, "stale"), nil, 0o600))
	server.Stop()
	server.Start()
	p.mismatches(`scrape job "file" differs in scrape_interval`)
}

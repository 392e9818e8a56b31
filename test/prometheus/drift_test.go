package prometheus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// The server has its own copy of the files, and someone changes one thing in it by hand and reloads. Each such change in the main file or in
// rules is noticed and named.
func TestDriftOfTheServersCopy(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"prometheus.yml": rig.Jobs("global: {external_labels: {cluster: eu}}\nrule_files: ['*.rules']\nscrape_config_files: ['jobs/*.yml']\n", "self", "other") +
			"  metric_relabel_configs: [{source_labels: [a], regex: b, action: drop}]\n",
		"a.rules": "groups:\n- name: g\n  interval: 30s\n  labels: {team: a}\n  rules:\n" +
			"  - alert: One\n    expr: up == 0\n    for: 5m\n    annotations: {summary: one}\n  - alert: Two\n    expr: up == 1\n    for: 5m\n",
		"b.rules": "groups:\n- name: h\n  rules:\n  - record: a:b\n    expr: sum(up)\n- name: g\n  rules:\n  - record: c:d\n    expr: sum(up)\n",
	}
	v := volume.New(t, filepath.Join(t.TempDir(), "v"), files)
	copied := t.TempDir()
	put := func(all map[string]string) {
		t.Helper()
		for name, text := range all {
			if err := os.WriteFile(filepath.Join(copied, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(files)
	config := filepath.Join(v.Dir, "prometheus.yml")
	server := rig.NewPrometheusIn(t, config, "mount --bind "+copied+" "+v.Dir)
	p := startPair(t, server, v, "--prometheus-config", config)
	p.synced()
	load := func() {
		t.Helper()
		if status, err := post(t, server.URL+"/-/reload"); err != nil || status != 200 {
			t.Fatalf("reload by hand: %d, %v", status, err)
		}
	}
	for _, c := range []struct{ file, from, to, says string }{
		{"a.rules", "summary: one", "summary: eins", `rule group "g" of ` + v.Dir + `/a.rules has a different rule "One"`},
		{"a.rules", "interval: 30s", "interval: 40s", "a different interval"},
		{"a.rules", "  interval: 30s\n", "  interval: 30s\n  limit: 3\n", "a different limit"},
		{"a.rules", "team: a", "team: b", "a different rule"},
		{"a.rules", "expr: up == 1\n    for: 5m", "expr: up == 1\n    for: 5m\n    keep_firing_for: 1m", `"Two"`},
		{"a.rules", "alert: One", "alert: Two", "a different rule"},
		{"a.rules", "up == 0", "up != 1", `"One"`},
		{"b.rules", "- name: g", "- name: i", `rule group "g" of ` + v.Dir + `/b.rules is missing`},
		{"b.rules", "record: a:b", "record: a:c", "a different rule"},
		{"extra.rules", "", "groups: [{name: x, rules: [{record: x:y, expr: up}]}]", "extra.rules: the server runs 1 group that the files do not have"},
		{"prometheus.yml", "regex: b", "regex: c", `scrape job "other" differs`},
		{"prometheus.yml", "cluster: eu", "cluster: us", `section "global" differs`},
		{"prometheus.yml", "- job_name: self\n", "- job_name: self\n  scrape_interval: 7s\n", `scrape job "self" differs`},
		{"prometheus.yml", "['*.rules']", "['a.rules']", `section "rule_files" differs`},
	} {
		if c.from != "" && !strings.Contains(files[c.file], c.from) {
			t.Fatalf("%s has no %q", c.file, c.from)
		}
		text := c.to
		if c.from != "" {
			text = strings.Replace(files[c.file], c.from, c.to, 1)
		}
		put(map[string]string{c.file: text})
		load()
		s := p.Reaches(fmt.Sprintf("%s: %q is noticed", c.file, c.to), func(s reload.Status) bool {
			return s.Phase == reload.Mismatch && len(s.Differences) > 0
		})
		if said := strings.Join(s.Differences, "\n"); !strings.Contains(said, c.says) {
			t.Errorf("%s: %q: the differences do not say %q:\n%s", c.file, c.to, c.says, said)
		}
		if c.from == "" {
			if err := os.Remove(filepath.Join(copied, c.file)); err != nil {
				t.Fatal(err)
			}
		}
		put(files)
		load()
		p.Reaches("in sync again", func(s reload.Status) bool { return s.Phase == reload.InSync })
	}
}

// A server that was in sync restarts with another main file. That is never called live, and both paths are named.
func TestRestartWithAnotherConfigFile(t *testing.T) {
	t.Parallel()
	v := newVolume(t, "prometheus.yml", rig.Jobs("", "self"))
	config := filepath.Join(v.Dir, "prometheus.yml")
	other := filepath.Join(t.TempDir(), "other.yml")
	if err := os.WriteFile(other, []byte(rig.Jobs("", "real")), 0o600); err != nil {
		t.Fatal(err)
	}
	flag := filepath.Join(t.TempDir(), "flag")
	if err := os.WriteFile(flag, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	server := rig.NewPrometheusIn(t, config,
		"for a; do shift; case $a in --config.file=*) a=--config.file=$(cat "+flag+");; esac; set -- \"$@\" \"$a\"; done")
	p := startPair(t, server, v, "--prometheus-config", config)
	p.synced()
	if err := os.WriteFile(flag, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	p.Reaches("it is down", func(s reload.Status) bool { return s.Phase != reload.InSync })
	end := p.never()
	server.Start()
	p.mismatches(other, config, `scrape job "self" is missing`)
	end()
}

// Someone else makes the server load the same files again. That is not a difference, and reloader sends no reload.
func TestReloadBySomeoneElse(t *testing.T) {
	t.Parallel()
	v := volume.New(t, filepath.Join(t.TempDir(), "v"), map[string]string{"prometheus.yml": rig.Jobs("rule_files: ['*.rules']\n", "self"), "a.rules": rules("up == 0")})
	server := rig.NewPrometheus(t, filepath.Join(v.Dir, "prometheus.yml"))
	p := startPair(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"))
	looked := p.synced().Looked
	posts := server.Posts.Load()
	if status, err := post(t, server.URL+"/-/reload"); err != nil || status != 200 {
		t.Fatalf("reload by hand: %d, %v", status, err)
	}
	p.Reaches("the load is noticed and compared", func(s reload.Status) bool { return s.Phase == reload.InSync && s.Looked.After(looked) })
	if got := server.Posts.Load() - posts; got != 0 {
		t.Errorf("%d reload requests", got)
	}
}

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

// rules is a rule file with one alert on this expression.
func rules(expr string) string {
	return "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: " + expr + "\n    for: 5m\n    labels: {severity: page}\n"
}

// The main file is mounted as a single file in the server, which therefore keeps the file from its start and still answers 200. That is never called live.
// After a restart the server runs the new file.
func TestStaleSingleFileMount(t *testing.T) {
	t.Parallel()
	v := newVolume(t, "prometheus.yml", rig.Jobs("", "self"))
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	server := rig.NewPrometheusIn(t, file, fmt.Sprintf("mount --bind %s/prometheus.yml %s", v.Dir, file))
	p := startPair(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml")+"="+file)
	p.synced()
	v.Swap(map[string]string{"prometheus.yml": rig.Jobs("", "self", "added")})
	p.Reaches("the change is seen", func(s reload.Status) bool { return s.Wanted != s.Running || s.Phase == reload.Mismatch })
	end := p.never()
	p.mismatches(`scrape job "added" is missing`, "subPath", "until")
	if posts := server.Posts.Load(); posts > 3 {
		t.Errorf("%d reload requests", posts)
	}
	end()
	server.Stop()
	server.Start()
	p.synced()
	if err := server.Runs("added"); err != nil {
		t.Error(err)
	}
}

// The rules are mounted only for reloader. The server has an old copy of them, or none, which is never called live.
func TestRulesNotMountedForTheServer(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]string{"none": "", "an old copy": rules("up == 0")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newVolume(t, "a.yml", rules("up == 1"))
			v := newVolume(t, "prometheus.yml", rig.Jobs("rule_files: ['"+r.Dir+"/*.yml']\n", "self"))
			other := t.TempDir()
			if old != "" {
				if err := os.WriteFile(filepath.Join(other, "a.yml"), []byte(old), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			server := rig.NewPrometheusIn(t, filepath.Join(v.Dir, "prometheus.yml"), "mount --bind "+other+" "+r.Dir)
			server.Start()
			server.Ready()
			p := follow(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"), "--prometheus-dir", r.Dir)
			end := p.never()
			first := p.mismatches("a.yml", "mount")
			r.Swap(map[string]string{"a.yml": rules("up == 2")})
			p.Reaches("another change of the rules", func(s reload.Status) bool { return s.Wanted != first.Wanted })
			p.mismatches("a.yml")
			end()
			// The cause is removed: the server gets the very files, and a start reads them.
			if err := os.WriteFile(filepath.Join(other, "a.yml"), []byte(rules("up == 2")), 0o644); err != nil {
				t.Fatal(err)
			}
			server.Stop()
			server.Start()
			p.synced()
		})
	}
}

// The server reads the rules at a path that reloader does not know. That is a mismatch with the path, until --prometheus-dir gives it.
func TestRulesAtAnotherPath(t *testing.T) {
	t.Parallel()
	r := newVolume(t, "a.yml", rules("up == 0"))
	there := filepath.Join(t.TempDir(), "rules")
	if err := os.Mkdir(there, 0o755); err != nil {
		t.Fatal(err)
	}
	v := newVolume(t, "prometheus.yml", rig.Jobs("rule_files: ['"+there+"/*.yml']\n", "self"))
	server := rig.NewPrometheusIn(t, filepath.Join(v.Dir, "prometheus.yml"), "mount --bind "+r.Dir+" "+there)
	server.Start()
	server.Ready()
	p := follow(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"), "--prometheus-dir", r.Dir)
	p.mismatches(there)
	p.Stop()
	q := follow(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"), "--prometheus-dir", r.Dir+"="+there)
	q.synced()
	r.Swap(map[string]string{"a.yml": rules("up == 1")})
	rig.Eventually(t, "the server runs the new rule", func() error { return runsRule(t, server, "up == 1") })
	q.synced()
}

// runsRule returns an error unless the server has a rule with this expression.
func runsRule(t *testing.T, server *rig.Prometheus, expr string) error {
	t.Helper()
	body, err := rig.Get(t, server.URL+"/api/v1/rules")
	if err == nil && !strings.Contains(body, `"query":"`+expr+`"`) {
		err = fmt.Errorf("no rule %q in %s", expr, body)
	}
	return err
}

// The server was started with another main file, by an absolute or a relative path. That is never called live, and both paths are
// named.
func TestOtherConfigFile(t *testing.T) {
	t.Parallel()
	for _, relative := range []bool{false, true} {
		t.Run(fmt.Sprintf("relative %v", relative), func(t *testing.T) {
			t.Parallel()
			v := newVolume(t, "prometheus.yml", rig.Jobs("", "self"))
			dir := t.TempDir()
			theirs := filepath.Join(dir, "prometheus.yml")
			if err := os.WriteFile(theirs, []byte(rig.Jobs("", "real")), 0o644); err != nil {
				t.Fatal(err)
			}
			flag := theirs
			if relative {
				flag = "prometheus.yml"
			}
			server := rig.NewPrometheusIn(t, flag, "cd "+dir)
			server.Start()
			server.Ready()
			p := follow(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"))
			end := p.never()
			p.mismatches(theirs, filepath.Join(v.Dir, "prometheus.yml"), `scrape job "self" is missing`)
			if posts := server.Posts.Load(); posts > 3 {
				t.Errorf("%d reload requests", posts)
			}
			end()
		})
	}
}

// The main file has a relative path in reloader's flag and on the server's command line. Changes are live, and all is compared.
func TestRelativeCommandLine(t *testing.T) {
	t.Parallel()
	v := volume.New(t, filepath.Join(t.TempDir(), "mount"), map[string]string{
		"prometheus.yml": rig.Jobs("rule_files: ['*.rules']\n", "self"), "a.rules": rules("up == 0"),
	})
	server := rig.NewPrometheusIn(t, "mount/prometheus.yml", "cd "+filepath.Dir(v.Dir))
	server.Start()
	server.Ready()
	r := rig.NewReloaderIn(t, []string{"sh", "-ec", "cd " + filepath.Dir(v.Dir) + `; exec "$@"`, "sh"},
		"--prometheus-url", server.Proxy, "--prometheus-config", "mount/prometheus.yml", "--poll-interval", "2s")
	r.Start()
	p := &pair{r, t, server, v}
	p.synced()
	v.Swap(map[string]string{"prometheus.yml": rig.Jobs("rule_files: ['*.rules']\n", "self"), "a.rules": rules("up == 1")})
	rig.Eventually(t, "the server runs the new rule", func() error { return runsRule(t, server, "up == 1") })
	if s := p.synced(); len(s.Differences) > 0 || len(s.NotCompared) > 0 {
		t.Errorf("differences %q, not compared %q", s.Differences, s.NotCompared)
	}
}

// With a main file of 5 MiB, and with patterns through ..data, a changed rule file is reloaded and proven, and a broken one is
// rejected.
func TestRuleChanges(t *testing.T) {
	t.Parallel()
	padding := strings.Repeat("# "+strings.Repeat("x", 98)+"\n", 52_500)
	for name, main := range map[string]func(dir string) string{
		"large":        func(string) string { return rig.Jobs("rule_files: [a.rules]\n", "self") + padding },
		"through data": func(dir string) string { return rig.Jobs("rule_files: ['"+dir+"/..data/*.rules']\n", "self") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "v")
			files := func(expr string) map[string]string {
				return map[string]string{"prometheus.yml": main(dir), "a.rules": rules(expr)}
			}
			v := volume.New(t, dir, files("up == 0"))
			server := rig.NewPrometheus(t, filepath.Join(dir, "prometheus.yml"))
			p := startPair(t, server, v, "--prometheus-config", filepath.Join(dir, "prometheus.yml"))
			p.synced()
			v.Swap(files("up == 1"))
			rig.Eventually(t, "the server runs the new rule", func() error { return runsRule(t, server, "up == 1") })
			p.synced()
			v.Swap(files("up == ("))
			p.Reaches("Rejected", func(s reload.Status) bool { return s.Phase == reload.Rejected })
			v.Swap(files("up == 2"))
			rig.Eventually(t, "the server runs the fix", func() error { return runsRule(t, server, "up == 2") })
			p.synced()
		})
	}
}

// With an unusable certificate the server answers 200 to a reload, but does not scrape the job. That is never called live. When
// the files are repaired, they are live.
func TestUnusableCertificate(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	main := rig.Jobs("", "self") + "- job_name: etcd\n  scheme: https\n  tls_config: {cert_file: c.crt, key_file: c.key}\n  static_configs: [{targets: ['127.0.0.1:1']}]\n"
	files := func(cert, key string) map[string]string {
		return map[string]string{"prometheus.yml": main, "c.crt": cert, "c.key": key}
	}
	v := volume.New(t, filepath.Join(t.TempDir(), "v"), map[string]string{"prometheus.yml": rig.Jobs("", "self"), "c.crt": "", "c.key": ""})
	server := rig.NewPrometheus(t, filepath.Join(v.Dir, "prometheus.yml"))
	p := startPair(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"))
	first := p.synced()
	v.Swap(files("", ""))
	p.Reaches("the change is seen", func(s reload.Status) bool { return s.Wanted != first.Wanted })
	end := p.never()
	p.Reaches("rejected, or a mismatch that names the job", func(s reload.Status) bool {
		return s.Phase == reload.Rejected || s.Phase == reload.Mismatch && strings.Contains(strings.Join(s.Differences, " "), `"etcd"`)
	})
	end()
	v.Swap(files(cert, key))
	p.synced()
	if body, err := rig.Get(t, server.URL+"/api/v1/scrape_pools"); err != nil || !strings.Contains(body, "etcd") {
		t.Errorf("%v: %s", err, body)
	}
}

// Someone else makes the server load rejected files, which it applies in part. After they are reverted, InSync means that the
// server runs the good files again.
func TestRevertAfterPartialLoad(t *testing.T) {
	t.Parallel()
	good := map[string]string{"prometheus.yml": rig.Jobs("rule_files: [rules.yml]\n", "self"), "rules.yml": rules("up == 0")}
	bad := map[string]string{"prometheus.yml": rig.Jobs("rule_files: [rules.yml]\n", "self", "half"), "rules.yml": rules("up == (")}
	v := volume.New(t, filepath.Join(t.TempDir(), "v"), good)
	server := rig.NewPrometheus(t, filepath.Join(v.Dir, "prometheus.yml"))
	p := startPair(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"))
	p.synced()
	v.Swap(bad)
	p.Reaches("Rejected", func(s reload.Status) bool { return s.Phase == reload.Rejected })
	if status, err := post(t, server.URL+"/-/reload"); err != nil || status != 500 {
		t.Fatalf("reload by hand: %d, %v", status, err)
	}
	if err := server.Runs("half"); err != nil {
		t.Fatal(err)
	}
	v.Swap(good)
	p.Reaches("in sync on what the server really runs", func(s reload.Status) bool {
		if s.Phase != reload.InSync {
			return false
		}
		if server.Runs("half") == nil {
			t.Error("InSync while the server runs the other files")
		}
		return true
	})
}

// Two servers answer in turns at one URL, so that a reload reaches only one of them. That is never called live, and the cause is
// named.
func TestTwoServersBehindOneURL(t *testing.T) {
	t.Parallel()
	v := newVolume(t, "prometheus.yml", rig.Jobs("", "self"))
	config := filepath.Join(v.Dir, "prometheus.yml")
	one, two := rig.NewPrometheus(t, config), rig.NewPrometheus(t, config)
	for _, s := range []*rig.Prometheus{one, two} {
		s.Start()
		s.Ready()
	}
	url, only := balance(t, one.URL, two.URL)
	r := rig.NewReloader(t, "--prometheus-url", url, "--prometheus-config", config, "--poll-interval", "2s")
	r.Start()
	p := &pair{r, t, one, v}
	end := p.never()
	p.mismatches("different Prometheus servers", "replicas")
	v.Swap(map[string]string{"prometheus.yml": rig.Jobs("", "self", "added")})
	p.mismatches("replicas")
	end()
	only()
	p.synced()
	if err := one.Runs("added"); err != nil {
		t.Error(err)
	}
}

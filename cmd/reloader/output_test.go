package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/config"
)

// Output to a file in a followed directory is refused: each line would be a change, and the server would be reloaded forever. Output to a file
// that is not followed, or to a pipe, is fine.
func TestOutputInAFollowedDirectory(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, d := range []string{"etc/rules", "etc/.logs", "etc/data/wal", "etc/data/chunks_head", "logs", "p/datasources", "ini"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("etc", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	at := func(name string) config.Mount { return config.Mount{Path: filepath.Join(root, name)} }
	for name, tc := range map[string]struct {
		log    string
		target config.Target
		want   bool
	}{
		"next to the main file":  {"etc/run.log", config.Target{Kind: config.Prometheus, ConfigFile: at("etc/prometheus.yml")}, true},
		"below it":               {"etc/rules/.run.log", config.Target{Kind: config.Prometheus, ConfigFile: at("etc/prometheus.yml")}, true},
		"through a link":         {"etc/run.log", config.Target{Kind: config.Prometheus, ConfigFile: at("link/prometheus.yml")}, true},
		"another directory":      {"logs/run.log", config.Target{Kind: config.Prometheus, ConfigFile: at("etc/prometheus.yml"), Dirs: []config.Mount{at("logs")}}, true},
		"provisioning":           {"p/datasources/run.log", config.Target{Kind: config.Grafana, Provisioning: at("p")}, true},
		"any server":             {"logs/run.log", config.Target{Kind: config.HTTP, Dirs: []config.Mount{at("logs")}}, true},
		"elsewhere":              {"logs/run.log", config.Target{Kind: config.Prometheus, ConfigFile: at("etc/prometheus.yml")}, false},
		"hidden directory":       {"etc/.logs/run.log", config.Target{Kind: config.Prometheus, ConfigFile: at("etc/prometheus.yml")}, false},
		"Prometheus' own data":   {"etc/data/run.log", config.Target{Kind: config.Prometheus, ConfigFile: at("etc/prometheus.yml")}, false},
		"a name that is skipped": {"etc/..run.log", config.Target{Kind: config.Prometheus, ConfigFile: at("etc/prometheus.yml")}, false},
		"next to grafana.ini":    {"ini/run.log", config.Target{Kind: config.Grafana, Ini: at("ini/grafana.ini")}, false},
		"a missing directory":    {"logs/run.log", config.Target{Kind: config.Prometheus, ConfigFile: at("gone/prometheus.yml")}, false},
	} {
		log, err := os.Create(filepath.Join(root, tc.log))
		if err != nil {
			t.Fatal(err)
		}
		tc.target.Name = "mine"
		err = outputFollowed(config.Config{Targets: []config.Target{tc.target}}, &strings.Builder{}, log)
		if (err != nil) != tc.want || err != nil && !strings.Contains(err.Error(), "target mine: reloader's output goes to "+log.Name()+", ") {
			t.Errorf("%s: %v", name, err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	everything := config.Target{Kind: config.HTTP, Dirs: []config.Mount{{Path: "/"}}}
	if err := outputFollowed(config.Config{Targets: []config.Target{everything}}, w, w); err != nil {
		t.Errorf("a pipe: %v", err)
	}
}

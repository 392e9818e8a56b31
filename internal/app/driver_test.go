package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"reloader/internal/config"
	"reloader/internal/snapshot"
)

// A URL that ends in the reload endpoint, as other reloaders need it, means the server. Credentials in a URL are not shown.
func TestServerURL(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"http://127.0.0.1:9090":                "http://127.0.0.1:9090",
		"http://127.0.0.1:9090/-/reload":       "http://127.0.0.1:9090",
		"http://127.0.0.1:9090/-/reload/":      "http://127.0.0.1:9090",
		"https://h/prometheus/-/reload":        "https://h/prometheus",
		"http://127.0.0.1:9090/-/reload/other": "http://127.0.0.1:9090/-/reload/other",
	} {
		if got := serverURL(config.Target{Kind: config.Prometheus, URL: given}); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
	if got := serverURL(config.Target{Kind: config.HTTP, URL: "http://h/-/reload"}); got != "http://h/-/reload" {
		t.Errorf("a generic target's URL is %s", got)
	}
	if got := address(config.Target{Kind: config.HTTP, URL: "http://u:secret@h/-/reload?authKey=secret"}); got != "http://h/-/reload" {
		t.Errorf("shown as %s", got)
	}
}

// Grafana's driver needs the time since when a start of Grafana reads the current grafana.ini. If Grafana reads the mount, that is
// the file's last change. In a gate, an unchanged file is linked into each new generation, so the times when it was written and
// when it was put in place differ. A missing file has no times.
func TestIniTimes(t *testing.T) {
	t.Parallel()
	mount, gate := t.TempDir(), t.TempDir()
	written := time.Now().Add(-time.Hour).Truncate(time.Second)
	for dir, at := range map[string]time.Time{mount: written.Add(-time.Hour), gate: written} {
		file := filepath.Join(dir, "grafana.ini")
		if err := errors.Join(os.WriteFile(file, nil, 0o644), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	ini := config.Mount{Path: filepath.Join(mount, "grafana.ini"), ServerPath: "/etc/grafana/grafana.ini"}
	for name, c := range map[string]struct {
		target config.Target
		file   string
		old    bool // it was written long before it was put in place
	}{
		"direct":              {config.Target{Ini: ini}, ini.Path, false},
		"in the gate":         {config.Target{Ini: ini, Gate: config.Mount{Path: gate, ServerPath: "/etc/grafana"}}, filepath.Join(gate, "grafana.ini"), true},
		"outside of the gate": {config.Target{Ini: ini, Gate: config.Mount{Path: gate, ServerPath: "/etc/provisioning"}}, ini.Path, false},
		"the file is gone":    {config.Target{Ini: config.Mount{Path: filepath.Join(mount, "none.ini")}}, "", false},
	} {
		c.target.Kind, c.target.Restart = config.Grafana, config.RestartTerminate
		o := grafanaOptions(c.target)
		if o.IniTimes == nil || o.ProcessStart == nil || o.Restarter == nil {
			t.Errorf("%s: the driver lacks the options for ending Grafana: %+v", name, o)
			continue
		}
		var placed time.Time
		if c.file != "" {
			var err error
			if placed, err = snapshot.ChangedAt(c.file); err != nil {
				t.Fatal(err)
			}
		}
		want := placed
		if c.old {
			want = written
		}
		if got := o.IniTimes(); !got.Placed.Equal(placed) || !got.Written.Equal(want) {
			t.Errorf("%s: %+v, want it written at %v and placed at %v", name, got, want, placed)
		}
	}
}

package monitoring

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

var moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// The runbook of a mismatch shows what status prints when the server keeps the file with which it started, as with subPath.
func TestRunbooksShowAMismatch(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	v := volume.New(t, filepath.Join(t.TempDir(), "mount"), scrapeFile("scrape_interval: 15s"))
	mounted := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(mounted, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(v.Dir, "prometheus.yml")
	server := rig.NewPrometheusIn(t, mounted, fmt.Sprintf("mount --bind %s %s", config, mounted))
	server.Start()
	server.Ready()
	r := rig.NewReloader(t, "--prometheus-url", server.Proxy, "--prometheus-config", config+"="+mounted)
	r.Start()
	r.Reaches("in sync", func(s reload.Status) bool { return s.Phase == reload.InSync })
	plain := func(s string) string {
		return moments.ReplaceAllString(durations.ReplaceAllString(s, " for 1s,"), "TIME")
	}
	p := &page{t: t, text: plain(string(text)), names: strings.NewReplacer(mounted, "/etc/prometheus/prometheus.yml", config, "/etc/prometheus/prometheus.yml")}
	files := scrapeFile("scrape_interval: 15s")
	files["prometheus.yml"] += "- job_name: added\n  static_configs:\n  - targets: [127.0.0.1:8081]\n"
	v.Swap(files)
	r.Reaches("Mismatch", func(s reload.Status) bool { return s.Phase == reload.Mismatch && len(s.Differences) > 0 })
	rig.Eventually(t, "the runbook shows the status", func() error { // between two tries
		status := plain(rig.Command(t, "status", "--url", r.URL).Stdout)
		return p.lacks(strings.Split(status, "  next try")[0])
	})
}

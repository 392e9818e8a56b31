package prometheus

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"reloader/test/rig"
)

// If reloader says that Prometheus crashes on a file or refuses it, the real server panics, or ends soon after its start. With a good value the
// same file has no errors, and the server becomes ready.
func TestCrashes(t *testing.T) {
	t.Parallel()
	const (
		discovery = "scrape_configs: [{job_name: a, file_sd_configs: [{files: [none.json], refresh_interval: VALUE}]}]\n"
		noText    = "!!binary /w=="
	)
	for name, c := range map[string]struct{ files, bad, good string }{
		"discovery":        {discovery, "0s", "1s"},
		"empty discovery":  {discovery, "", "1s"},
		"alertmanagers":    {"alerting: {alertmanagers: [{file_sd_configs: [{files: [none.json], refresh_interval: VALUE}]}]}\n", "0", "1s"},
		"metadata":         {"remote_write: [{url: 'http://127.0.0.1:1', metadata_config: {send_interval: VALUE}}]\n", "0s", "1s"},
		"name of a job":    {"scrape_configs: [{job_name: VALUE}]\n", noText, "!!binary YQ=="},
		"name of a remote": {"remote_write: [{url: 'http://127.0.0.1:1', name: VALUE}]\n", noText, "!!binary YQ=="},
		"name of a reader": {"remote_read: [{url: 'http://127.0.0.1:1', name: VALUE}]\n", noText, "!!binary YQ=="},
		"null in a list":   {"alerting: {alertmanagers: [VALUE]}\n", "~", "{}"},
		"versions":         {"remote_write: [{url: 'http://127.0.0.1:1', tls_config: {min_version: TLS12, max_version: VALUE}}]\n", "TLS11", "TLS12"},
		"log level":        {"runtime: {log_level: VALUE}\n", "~", "info"},
		"document":         {"--- VALUE\n", "", "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for value, code := range map[string]int{c.bad: 1, c.good: 0} {
				config := filepath.Join(t.TempDir(), "prometheus.yml")
				rig.Must(t, os.WriteFile(config, []byte(strings.Replace(c.files, "VALUE", value, 1)), 0o600))
				server := rig.NewPrometheus(t, config)
				said := rig.Command(t, "check", "--allow", "guard-empty-config", "--prometheus-config", config)
				if said.Code != code {
					t.Errorf("%q: exit code %d, want %d: %s", value, said.Code, code, said.Stdout)
				}
				if code == 0 {
					server.Start()
					server.Ready()
					continue
				}
				ctx, cancel := context.WithTimeout(t.Context(), rig.Patience) // a server that does not crash runs until then
				defer cancel()
				out, err := exec.CommandContext(ctx, rig.PrometheusBinary(t), "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+rig.FreeAddress(t)).CombinedOutput()
				if err == nil || ctx.Err() != nil {
					t.Errorf("%q: the server runs: %v\n%s", value, err, out)
				}
			}
		})
	}
}

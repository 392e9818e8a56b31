package skew

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"reloader/test/rig"
)

// newKeys are settings that each have one key which Prometheus 3.5 does not know, with the key and the version that added it.
var newKeys = map[string]struct{ key, since string }{
	"otlp: {promote_scope_metadata: true}":                                       {"promote_scope_metadata", "3.6"},
	"otlp: {label_name_underscore_sanitization: true}":                           {"label_name_underscore_sanitization", "3.8"},
	"otlp: {label_name_preserve_multiple_underscores: true}":                     {"label_name_preserve_multiple_underscores", "3.8"},
	"global: {scrape_native_histograms: true}":                                   {"scrape_native_histograms", "3.8"},
	"global: {extra_scrape_metrics: true}":                                       {"extra_scrape_metrics", "3.10"},
	"global: {query_max_duration: 1m}":                                           {"query_max_duration", "3.16"},
	"global: {query_max_samples_read: 10}":                                       {"query_max_samples_read", "3.16"},
	"global: {query_max_series: 10}":                                             {"query_max_series", "3.16"},
	"storage: {tsdb: {retention: {time: 1d}}}":                                   {"retention", "3.8"},
	"storage: {tsdb: {stale_series_compaction_threshold: 0.5}}":                  {"stale_series_compaction_threshold", "3.10"},
	"storage: {tsdb: {chunk_encoding: {floats: xor}}}":                           {"chunk_encoding", "3.13"},
	"runtime: {log_level: info}":                                                 {"log_level", "3.15"},
	"remote_write: [{url: 'http://a', failed_request_logging: true}]":            {"failed_request_logging", "3.15"},
	"remote_write: [{url: 'http://a', convert_nhcb_to_classic: true}]":           {"convert_nhcb_to_classic", "3.16"},
	"scrape_configs: [{job_name: a, scrape_native_histograms: true}]":            {"scrape_native_histograms", "3.8"},
	"scrape_configs: [{job_name: a, extra_scrape_metrics: true}]":                {"extra_scrape_metrics", "3.10"},
	discovery("kubernetes", "role: pod, attach_metadata: {namespace: true}"):     {"namespace", "3.6"},
	discovery("kubernetes", "role: pod, attach_metadata: {deployment: true}"):    {"deployment", "3.11"},
	discovery("kubernetes", "role: pod, attach_metadata: {job: true}"):           {"job", "3.11"},
	discovery("kubernetes", "role: pod, attach_metadata: {cronjob: true}"):       {"cronjob", "3.11"},
	discovery("ec2", "region: a, external_id: b, role_arn: c"):                   {"external_id", "3.12"},
	discovery("lightsail", "region: a, external_id: b, role_arn: c"):             {"external_id", "3.12"},
	discovery("consul", "server: 'a:1', health_filter: b"):                       {"health_filter", "3.12"},
	discovery("aws", "role: ec2, region: a"):                                     {"aws_sd_configs", "3.8"},
	discovery("outscale", "region: a, access_key: b, secret_key: c"):             {"outscale_sd_configs", "3.12"},
	discovery("digitalocean", "role: droplets, authorization: {credentials: a}"): {"role", "3.12"},
}

func discovery(kind, settings string) string {
	return fmt.Sprintf("scrape_configs: [{job_name: a, %s_sd_configs: [{%s}]}]", kind, settings)
}

// For an older server, the finding about a new key names the version that added it, and the older server itself refuses the key. For that
// version there is no such finding.
func TestKeysOfNewerVersions(t *testing.T) {
	t.Parallel()
	older := named(t, "RELOADER_SKEW_PROMETHEUS")
	rig.Program(t, "promcheck") // check starts it
	for text, c := range newKeys {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "prometheus.yml")
			rig.Must(t, os.WriteFile(file, []byte(text+"\n"), 0o644))
			says := fmt.Sprintf("%q needs Prometheus %s or later", c.key, c.since)
			if o := rig.Command(t, "check", "--prometheus-config", file, "--prometheus-version", "3.5.1"); !strings.Contains(o.Stdout, says) {
				t.Errorf("nothing says %s: %+v", says, o)
			}
			if o := rig.Command(t, "check", "--prometheus-config", file, "--prometheus-version", c.since+".0"); strings.Contains(o.Stdout, "or later") {
				t.Errorf("as %s: %+v", c.since, o)
			}
			ctx, cancel := context.WithTimeout(t.Context(), rig.Patience) // a server that takes the file runs until then
			defer cancel()
			log, err := exec.CommandContext(ctx, older, "--config.file="+file, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address=127.0.0.1:0").CombinedOutput()
			if want := fmt.Sprintf("field %s not found in type", c.key); err == nil || !strings.Contains(string(log), want) {
				t.Errorf("the older server does not say %q: %v: %s", want, err, log)
			}
		})
	}
}

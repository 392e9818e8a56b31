package judge

import (
	"strings"
	"testing"

	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
)

// For everything that Prometheus renamed or removed from 0.16 to 3.16, according to its change log, the hint gives the new name or says
// since when it is removed.
func TestRenamedAndRemoved(t *testing.T) {
	t.Parallel()
	const job = "scrape_configs:\n- job_name: a\n  "
	for _, c := range []struct{ name, file, hint string }{
		{"0.16 global labels", "global:\n  labels: {a: b}\n", "external_labels"},
		{"0.20 target_groups", job + "target_groups: []\n", "static_configs"},
		{"0.20 file names", job + "file_sd_configs: [{names: [a.json]}]\n", "files"},
		{"0.20 kubelet_port", job + "kubernetes_sd_configs: [{role: node, kubelet_port: 1}]\n", "removed in Prometheus 0.20"},
		{"0.17 masters", job + "kubernetes_sd_configs: [{role: node, masters: [a]}]\n", "api_server"},
		{"1.3 api_servers", job + "kubernetes_sd_configs: [{role: node, api_servers: [a]}]\n", "api_server"},
		{"1.3 in_cluster", job + "kubernetes_sd_configs: [{role: node, in_cluster: true}]\n", "removed in Prometheus 1.3"},
		{"1.3 request_timeout", job + "kubernetes_sd_configs: [{role: node, request_timeout: 1s}]\n", "removed in Prometheus 1.3"},
		{"1.3 retry_interval", job + "kubernetes_sd_configs: [{role: node, retry_interval: 1s}]\n", "removed in Prometheus 1.3"},
		{"2.0 remote_storage", "remote_storage: {}\n", "remote_write and remote_read"},
		{"2.11 max_retries", "remote_write:\n- url: http://x\n  queue_config: {max_retries: 1}\n", "removed in Prometheus 2.11"},
		{"3.0 scrape_classic_histograms", job + "scrape_classic_histograms: true\n", "always_scrape_classic_histograms"},
		{"3.0 scrape_classic_histograms, global", "global: {scrape_classic_histograms: true}\n", "always_scrape_classic_histograms"},
		{"3.0 api_version v1", "alerting:\n  alertmanagers: [{api_version: v1}]\n", "v2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onlyHint(t, judgeSlip(slip{file: "prometheus.yml", body: c.file}), c.hint)
		})
	}
	for _, c := range []struct{ name, expr, hint string }{
		{"2.0 count_scalar", "count_scalar(up)", "removed in Prometheus 2.0"},
		{"2.0 drop_common_labels", "drop_common_labels(up)", "removed in Prometheus 2.0"},
		{"2.0 keep_common", "sum by (a) (up) keep_common", "removed in Prometheus 2.0"},
		{"1.0 keeping_extra", "sum(up) by (a) keeping_extra", "removed in Prometheus 2.0"},
		{"3.0 holt_winters", "holt_winters(up[5m], 0.5, 0.5)", "double_exponential_smoothing"},
		{"3.13 max of durations", "rate(up[max(5m, 1m)])", "max_of"},
		{"3.13 min of durations", "rate(up[5m + min(5m, 1m)])", "min_of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onlyHint(t, judgeRules("/d/a.rules", []byte("groups:\n- name: g\n  rules:\n  - record: a\n    expr: "+c.expr+"\n")), c.hint)
		})
	}
	// Rules of Prometheus 1.x are not YAML, or only a single text in YAML.
	for _, body := range []string{
		"ALERT InstanceDown\n  IF up == 0\n  FOR 5m\n  LABELS { severity = \"page\" }\n  ANNOTATIONS { summary = \"{{ $labels.instance }} is down\" }\n",
		"job:up:sum = sum(up) by (job)\n",
		"# a comment\n\njob:up:sum{a=\"b\"} = sum(up) by (job)\nALERT A IF up == 0\n",
	} {
		onlyHint(t, judgeRules("/d/a.rules", []byte(body)), "promtool update rules")
	}
}

// onlyHint requires a single error, and this text in its hint.
func onlyHint(t *testing.T, a *validator.Answer, hint string) {
	t.Helper()
	all := errorsOf(a)
	if len(all) != 1 || !strings.Contains(all[0].Hint, hint) {
		t.Errorf("want one error with the hint %q, found %+v", hint, all)
	}
}

// An expression that the library knows and an older server does not is an error for that server, and for no newer one
// (https://github.com/prometheus/prometheus/issues/13226: one such rule, and the server dropped all groups of the file).
func TestTooNewForTheServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expr, since string }{
		{"up > 100d", "2.54.0"},
		{"time() - up > 10m", "2.54.0"},
		{"rate(up[300])", "2.54.0"},
		{"max_over_time(up[5m:60])", ""}, // only the step: judged by the library alone
		{"max_over_time(up[300:1m])", "2.54.0"},
		{"up atan2 up", "2.31.0"},
		{"up @ 1600000000", "2.33.0"},
		{"up @ end()", "2.33.0"},
		{"up offset -5m", "2.33.0"},
		{"up offset 5m", ""},
		{`up{a="[300]"} > 1`, ""},
	} {
		body := []byte("groups:\n- name: g\n  rules:\n  - record: a\n    expr: " + c.expr + "\n")
		for _, version := range []string{"2.30.0", "2.53.0", "2.54.0", "3.0.0", ""} {
			q := &validator.Question{Protocol: validator.Protocol, Version: version, Dirs: []string{"/d"}, Files: []validator.File{
				{Path: "/d/p.yml", Content: []byte("rule_files: [a.rules]\n")}, {Path: "/d/a.rules", Content: body},
			}}
			bad := len(errorsOf(Judge(q))) > 0
			want := version != "" && c.since != "" && versions.Parse(version).Before(versions.Parse(c.since))
			if bad != want {
				t.Errorf("%s on %q: refused %v, want %v: %+v", c.expr, version, bad, want, Judge(q).Findings)
			}
		}
	}
}

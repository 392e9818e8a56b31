package skew

import (
	"fmt"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// everything is a main file with settings of every section. Most of them are printed differently by the two versions.
const everything = `global:
  scrape_interval: 20s
  external_labels: {cluster: eu, "zone": $NOT_SET}
rule_files: ["*.rules"]
alerting:
  alertmanagers: [{static_configs: [{targets: ['127.0.0.1:2']}], timeout: 5s}]
remote_write:
- url: http://user:secret@127.0.0.1:3/write
  name: one
  write_relabel_configs: [{source_labels: [a], regex: "b|c", action: drop}]
- url: http://127.0.0.1:3/other
otlp: {promote_resource_attributes: [service.name]}
storage: {tsdb: {out_of_order_time_window: 5m}}
`

// Good changes are proven by the contents. What could not be compared, because the versions print it differently, is named.
func TestGoodChangesAreProven(t *testing.T) {
	both(t, func(t *testing.T, start func(map[string]string, string) *pair) {
		files := func(job, expr string) map[string]string {
			return map[string]string{
				"prometheus.yml": rig.Jobs(everything, "self", job) + "  basic_auth: {username: u, password: p}\n", "a.rules": rules(expr),
				"b.rules": "groups:\n- name: records\n  interval: 10s\n  limit: 5\n  rules:\n  - record: a:b\n    expr: sum by (job) (rate(up[5m] offset 1m)) and on() (vector(1) > bool 0)\n    labels: {c: d}\n",
			}
		}
		p := start(files("one", "up == 0"), "")
		first := p.synced()
		if !strings.Contains(first.Proof, "configuration") || !strings.Contains(first.Proof, "rule file") {
			t.Errorf("proven by %q", first.Proof)
		}
		if older := strings.HasPrefix(first.ServerVersion, "3.5."); older && len(first.NotCompared) == 0 {
			t.Error("nothing is reported as not compared, although this server prints the defaults differently")
		}
		t.Logf("not compared: %q", first.NotCompared)
		for i, next := range []map[string]string{files("two", "up == 0"), files("two", "sum(up) by (job) == 0")} {
			p.volume.Swap(next)
			p.changed(first)
			first = p.synced()
			if err := p.server.Runs("job_name: two"); err != nil {
				t.Error(err)
			}
			if got := p.server.Posts.Load(); got > int64(i+2) { // one at the start, because secrets are not shown
				t.Errorf("%d reload requests after %d changes", got, i+1)
			}
		}
	})
}

// copied gives the server a copy of the files at its start, like a subPath mount.
const copied = "mkdir $V.copy; cp -rL $V/. $V.copy/; mount --bind $V.copy $V"

// The server keeps the files of its start. Whatever changes in the files is noticed and named.
func TestStaleMount(t *testing.T) {
	both(t, func(t *testing.T, start func(map[string]string, string) *pair) {
		for name, change := range map[string]struct{ from, to, says string }{
			"job":               {"", "- job_name: added\n", `scrape job "added" is missing`},
			"target":            {"127.0.0.1:1", "127.0.0.1:9", `scrape job "self" differs`},
			"interval":          {"scrape_interval: 20s", "scrape_interval: 25s", `section "global" differs`},
			"label":             {"cluster: eu", "cluster: us", `section "global" differs`},
			"remote write":      {"b|c", "b|d", `remote_write "one" differs`},
			"unnamed":           {":3/other", ":3/another", `remote_write "#2" differs`},
			"alertmanager":      {"timeout: 5s", "timeout: 6s", `section "alerting" differs`},
			"setting taken out": {"storage: {tsdb: {out_of_order_time_window: 5m}}\n", "", "from before this change"},
			"rule file pattern": {`["*.rules"]`, `["*.rules", "more-*.yml"]`, `section "rule_files" differs`},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				before := rig.Jobs(everything, "self")
				p := start(map[string]string{"prometheus.yml": before, "a.rules": rules("up == 0")}, copied)
				first := p.synced()
				after := before + change.to
				if change.from != "" {
					after = strings.Replace(before, change.from, change.to, 1)
				}
				if after == before {
					t.Fatal("nothing changes")
				}
				p.volume.Swap(map[string]string{"prometheus.yml": after, "a.rules": rules("up == 0")})
				p.changed(first)
				p.mismatches(change.says)
			})
		}
		t.Run("rule", func(t *testing.T) {
			t.Parallel()
			files := func(expr string) map[string]string {
				return map[string]string{"prometheus.yml": rig.Jobs(everything, "self"), "a.rules": rules(expr)}
			}
			p := start(files("up == 0"), copied)
			first := p.synced()
			p.volume.Swap(files("up == 1"))
			p.changed(first)
			p.mismatches(`rule "Down"`)
		})
	})
}

// Only the newer of the two versions knows a setting. An older server refuses it, and its words are shown. A newer server accepts
// it although the library warns, and the setting is reported as not compared.
func TestSettingOfTheNewerVersion(t *testing.T) {
	t.Parallel()
	t.Run("older server", func(t *testing.T) {
		t.Parallel()
		p := start(t, "older server", map[string]string{"prometheus.yml": rig.Jobs("", "self")}, "")
		p.synced()
		p.volume.Swap(map[string]string{"prometheus.yml": rig.Jobs("global: {scrape_native_histograms: true}\n", "self")})
		s := p.Reaches("refused", func(s reload.Status) bool { return s.Failure != nil })
		if s.Failure == nil || !strings.Contains(s.Failure.Body, "field scrape_native_histograms not found") {
			t.Errorf("not in the server's words: %+v, %s", s.Failure, s.Reason)
		}
		if o := rig.WaitBriefly(t, p.URL); o.Code != 1 || !strings.Contains(o.Stderr+o.Stdout, "scrape_native_histograms") {
			t.Errorf("wait: %+v", o)
		}
		if p.server.Runs("scrape_native_histograms") == nil {
			t.Error("the server runs it")
		}
		p.volume.Swap(map[string]string{"prometheus.yml": rig.Jobs("", "self", "fixed")})
		p.synced()
	})
	t.Run("newer server", func(t *testing.T) {
		t.Parallel()
		p := start(t, "newer server", map[string]string{"prometheus.yml": rig.Jobs("", "self")}, "")
		first := p.synced()
		p.volume.Swap(map[string]string{"prometheus.yml": rig.Jobs("global: {query_max_series: 7}\n", "self")})
		p.changed(first)
		s := p.synced()
		if err := p.server.Runs("query_max_series"); err != nil {
			t.Error(err)
		}
		if said := fmt.Sprint(s.NotCompared, s.Findings); !strings.Contains(said, "query_max_series") {
			t.Errorf("the setting is not reported as not compared: %s", said)
		}
	})
}

// The server is asked about expressions that only the newer version knows. What it refuses is rejected, and what it accepts is
// loaded.
func TestExpressionsAreAsked(t *testing.T) {
	t.Parallel()
	files := func(expr string) map[string]string {
		return map[string]string{"prometheus.yml": rig.Jobs("rule_files: [a.rules]\n", "self"), "a.rules": rules(expr)}
	}
	refused := func(p *pair) {
		p.t.Helper()
		s := p.Reaches("rejected", func(s reload.Status) bool { return s.Phase == reload.Rejected })
		said := false
		for _, f := range s.Findings {
			said = said || f.Severity == finding.Error && f.Line == 5 && strings.Contains(f.Message, "refuses the expression")
		}
		if !said {
			p.t.Errorf("not in the server's words: %v", s.Findings)
		}
	}
	for _, expr := range []string{"first_over_time(up[5m]) > 0", "up anchored > 0", "rate(up[5m * 2]) > 0", "(up </ 5) > 0"} {
		t.Run("older server: "+expr, func(t *testing.T) {
			t.Parallel()
			p := start(t, "older server", files("up == 0"), "")
			p.synced()
			posts := p.server.Posts.Load()
			p.volume.Swap(files(expr))
			refused(p)
			if got := p.server.Posts.Load(); got != posts {
				t.Errorf("%d reload requests", got-posts)
			}
			p.volume.Swap(files("up == 1"))
			p.synced()
		})
	}
	for expr, good := range map[string]bool{"rate(up[5m] anchored) > 0": true, "sum(rate(up[5m] anchored)) by (job, job) > nosuch(up)": false} {
		t.Run("newer server: "+expr, func(t *testing.T) {
			t.Parallel()
			p := start(t, "newer server", files("up == 0"), "")
			first := p.synced()
			p.volume.Swap(files(expr))
			p.changed(first)
			if !good {
				refused(p)
				return
			}
			s := p.synced()
			if body, err := rig.Get(t, p.server.URL+"/api/v1/rules"); err != nil || !strings.Contains(body, "anchored") {
				t.Errorf("%v: %s", err, body)
			}
			if said := strings.Join(s.NotCompared, "\n"); !strings.Contains(said, "expression") {
				t.Errorf("the expression is not reported as not compared: %q", said)
			}
		})
	}
}

// fileJobs are jobs for scrape_config_files: with known targets, with dropped targets, with discovered targets, and with none.
const fileJobs = `scrape_configs:
- job_name: static
  scrape_interval: 20s
  params: {module: [one]}
  static_configs: [{targets: ['127.0.0.1:1', '127.0.0.1:2'], labels: {rack: a}}]
- job_name: dropping
  static_configs: [{targets: ['127.0.0.1:1', '127.0.0.1:2'], labels: {__scrape_interval__: 7s, __scrape_timeout__: 2s}}]
  relabel_configs: [{source_labels: [__address__], regex: .*:1, action: drop}]
- job_name: discovered
  file_sd_configs: [{files: [nowhere.json]}]
- job_name: own
  relabel_configs: [{source_labels: [__address__], target_label: x}]
`

// A server before 3.15 does not show the jobs of scrape_config_files. Their targets are compared as far as it shows them, and the
// rest is reported as not compared. With a newer server whole jobs are compared. A good server never has a mismatch.
func TestJobsInFiles(t *testing.T) {
	both(t, func(t *testing.T, start func(map[string]string, string) *pair) {
		files := func(jobs string) map[string]string {
			return map[string]string{"prometheus.yml": rig.Jobs("scrape_config_files: [jobs.scrape]\n", "self"), "jobs.scrape": jobs}
		}
		t.Run("good", func(t *testing.T) {
			t.Parallel()
			p := start(files(fileJobs), "")
			first := p.synced()
			older := strings.HasPrefix(first.ServerVersion, "3.5.")
			if said := strings.Join(first.NotCompared, "\n"); older != strings.Contains(said, "contents of 2 jobs of scrape_config_files") ||
				older != strings.Contains(said, "settings of 2 jobs of scrape_config_files: /api/v1/scrape_pools/config answered 404") {
				t.Errorf("not compared: %s", said)
			}
			p.volume.Swap(files(strings.Replace(fileJobs, "20s", "25s", 1)))
			p.changed(first)
			if s := p.synced(); s.Counts.Mismatches > 0 {
				t.Errorf("%d mismatches", s.Counts.Mismatches)
			}
		})
		for what, change := range map[string][2]string{"interval": {"20s", "25s"}, "target": {"127.0.0.1:2", "127.0.0.1:3"}, "parameter": {"[one]", "[two]"}, "label": {"rack: a", "rack: b"}} {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				p := start(files(fileJobs), copied)
				first := p.synced()
				p.volume.Swap(files(strings.Replace(fileJobs, change[0], change[1], 1)))
				p.changed(first)
				p.mismatches(`scrape job "static"`)
			})
		}
	})
}

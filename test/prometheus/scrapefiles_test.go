package prometheus

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// filesJob is a file for scrape_config_files whose job has settings of many kinds.
const filesJob = `scrape_configs:
- job_name: files
  scrape_interval: 20s
  scrape_timeout: 5s
  metrics_path: /m
  scheme: http
  params: {module: [one, two]}
  honor_labels: true
  sample_limit: 1000
  basic_auth: {username: u, password: p}
  static_configs: [{targets: ['127.0.0.1:1'], labels: {rack: a}}]
  relabel_configs: [{source_labels: [rack], regex: a, target_label: row}]
  metric_relabel_configs: [{source_labels: [__name__], regex: go_.*, action: drop}]
`

// The server loads its own copy of a file of scrape_config_files. Whatever setting differs in it, the job and the setting are named, both when
// the copy changes and when the file changes and the copy stays.
func TestStaleScrapeFile(t *testing.T) {
	t.Parallel()
	v := volume.New(t, filepath.Join(t.TempDir(), "v"), map[string]string{"prometheus.yml": rig.Jobs("scrape_config_files: [jobs.scrape]\n", "self"), "jobs.scrape": filesJob})
	copied := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(copied, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	main := rig.Jobs("scrape_config_files: [jobs.scrape]\n", "self")
	put("prometheus.yml", main)
	put("jobs.scrape", filesJob)
	config := filepath.Join(v.Dir, "prometheus.yml")
	server := rig.NewPrometheusIn(t, config, "mount --bind "+copied+" "+v.Dir)
	p := startPair(t, server, v, "--prometheus-config", config)
	if s := p.synced(); len(s.NotCompared) > 0 {
		t.Errorf("not compared: %q", s.NotCompared)
	}
	load := func() {
		t.Helper()
		if status, err := post(t, server.URL+"/-/reload"); err != nil || status != 200 {
			t.Fatalf("reload by hand: %d, %v", status, err)
		}
	}
	// Each change of a round must be named.
	for _, round := range [][]struct{ from, to, says string }{{
		{"scrape_interval: 20s", "scrape_interval: 30s", "scrape_interval"},
		{"scrape_timeout: 5s", "scrape_timeout: 6s", "scrape_timeout"},
		{"metrics_path: /m", "metrics_path: /n", "metrics_path"},
		{"scheme: http", "scheme: https", "scheme"},
		{"[one, two]", "[one, three]", "params"},
		{"127.0.0.1:1", "127.0.0.1:2", "static_configs"},
		{"regex: a", "regex: b", " relabel_configs"},
		{"regex: go_.*", "regex: go_.+", "metric_relabel_configs"},
		{"username: u", "username: v", "basic_auth"},
	}, {
		{"honor_labels: true", "honor_labels: false", "setting"},
		{"  sample_limit: 1000\n", "", "2 settings that the server does not have"},
		{"rack: a", "rack: b", "static_configs"},
	}} {
		text := filesJob
		for _, c := range round {
			before := text
			if text = strings.Replace(text, c.from, c.to, 1); text == before {
				t.Fatalf("nothing changes: %q", c.from)
			}
		}
		put("jobs.scrape", text)
		load()
		s := p.Reaches("the change is noticed", func(s reload.Status) bool { return s.Phase == reload.Mismatch && len(s.Differences) > 0 })
		said := strings.Join(s.Differences, "\n")
		for _, c := range round {
			if !strings.Contains(said, `scrape job "files" differs in `) || !strings.Contains(said, c.says) {
				t.Errorf("%q: nothing says %q: %s", c.to, c.says, said)
			}
		}
		put("jobs.scrape", filesJob)
		load()
		p.Reaches("in sync again", func(s reload.Status) bool { return s.Phase == reload.InSync })
	}
	first := p.synced()
	v.Swap(map[string]string{"prometheus.yml": main, "jobs.scrape": strings.Replace(filesJob, "regex: a", "regex: b", 1)})
	p.Reaches("the change is seen", func(s reload.Status) bool { return s.Wanted != first.Wanted })
	end := p.never()
	p.mismatches(`scrape job "files" differs in relabel_configs`, "scrape_config_files", "subPath")
	end()
	put("jobs.scrape", strings.Replace(filesJob, "regex: a", "regex: b", 1))
	p.Reread()
	p.synced()
}

// A server runs jobs of all kinds from scrape_config_files: with dropped or sharded targets, targets with their own interval, no targets,
// discovery that finds nothing, paths and credentials. Nothing is a difference, and all is compared.
func TestScrapeFilesOfAllSorts(t *testing.T) {
	t.Parallel()
	const sorts = `scrape_configs:
- job_name: empty
- job_name: dropped
  static_configs: [{targets: ['127.0.0.1:1']}]
  relabel_configs: [{source_labels: [__address__], regex: .*, action: drop}]
- job_name: shared
  keep_dropped_targets: 1
  static_configs: [{targets: ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3']}]
  relabel_configs:
  - {source_labels: [__address__], modulus: 2, target_label: __tmp_hash, action: hashmod}
  - {source_labels: [__tmp_hash], regex: 1, action: keep}
- job_name: own
  static_configs: [{targets: ['127.0.0.1:1'], labels: {__scrape_interval__: 7s, __scrape_timeout__: 3s, __metrics_path__: /x, __x: y, job: other}}]
- job_name: late
  file_sd_configs: [{files: [nowhere/*.json, 'NAME.json'], refresh_interval: 1m}]
  http_sd_configs: [{url: 'http://user:secret@127.0.0.1:1/sd'}]
  dns_sd_configs: [{names: [nowhere.invalid]}]
- job_name: secrets
  authorization: {credentials_file: token}
  proxy_url: http://u:p@127.0.0.1:1
  oauth2: {client_id: a, client_secret: b, token_url: 'http://127.0.0.1:1/token', endpoint_params: {a: b}}
- job_name: "quoted: yes"
  scrape_protocols: [PrometheusText0.0.4]
  fallback_scrape_protocol: PrometheusText0.0.4
  metric_name_validation_scheme: legacy
  http_headers: {X-A: {values: [b], secrets: [c], files: [header]}}
`
	jobs := strings.Replace(sorts, "- job_name: secrets\n  authorization: {credentials_file: token}\n", "- job_name: token\n  authorization: {credentials_file: token}\n- job_name: secrets\n", 1)
	for name, c := range map[string]struct {
		pattern string
		global  string
		flags   []string
	}{
		"beside":       {"*.scrape", "", nil},
		"through data": {"DIR/..data/*.scrape", "global: {scrape_interval: 17s, scrape_native_histograms: true, label_limit: 9}\n", nil},
		"features":     {"DIR/*.scrape", "", []string{"--enable-feature=extra-scrape-metrics,created-timestamp-zero-ingestion"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "v")
			files := func(jobs string) map[string]string {
				return map[string]string{
					"prometheus.yml": rig.Jobs(c.global+"scrape_config_files: ['"+strings.ReplaceAll(c.pattern, "DIR", dir)+"']\n", "self"), "a.scrape": jobs,
					"token": "t", "header": "h",
				}
			}
			v := volume.New(t, dir, files(jobs))
			server := rig.NewPrometheusIn(t, filepath.Join(dir, "prometheus.yml"), "", c.flags...)
			p := startPair(t, server, v, "--prometheus-config", filepath.Join(dir, "prometheus.yml"))
			first := p.synced()
			if len(first.NotCompared) > 0 || len(first.Differences) > 0 {
				t.Errorf("not compared %q, differences %q", first.NotCompared, first.Differences)
			}
			v.Swap(files(strings.Replace(jobs, "127.0.0.1:3", "127.0.0.1:4", 1)))
			p.Reaches("the change is seen", func(s reload.Status) bool {
				if s.Phase == reload.Mismatch {
					t.Fatalf("%q", s.Differences)
				}
				return s.Wanted != first.Wanted && s.Phase == reload.InSync
			})
			if s := p.synced(); s.Counts.Mismatches > 0 || len(s.NotCompared) > 0 {
				t.Errorf("mismatches %d, not compared %q", s.Counts.Mismatches, s.NotCompared)
			}
		})
	}
}

// If a proxy hides the contents of such jobs, the status, the log and a metric say that they were not compared.
func TestScrapeFilesThatAreNotShown(t *testing.T) {
	t.Parallel()
	files := map[string]string{"prometheus.yml": rig.Jobs("scrape_config_files: [jobs.scrape]\n", "self"), "jobs.scrape": filesJob}
	v := volume.New(t, filepath.Join(t.TempDir(), "v"), files)
	config := filepath.Join(v.Dir, "prometheus.yml")
	server := rig.NewPrometheus(t, config)
	server.Start()
	server.Ready()
	url := forbid(t, server.Proxy, "/api/v1/scrape_pools/config")
	r := rig.NewReloader(t, "--prometheus-url", url, "--prometheus-config", config, "--poll-interval", "2s")
	r.Start()
	p := &pair{r, t, server, v}
	s := p.synced()
	if said := strings.Join(s.NotCompared, "\n"); !strings.Contains(said, "contents of 1 job of scrape_config_files: /api/v1/scrape_pools/config answered 403") {
		t.Errorf("not compared: %s", said)
	}
	p.Log.Has(t, "answered 403")
	if got := p.Metric(`reloader_not_compared{target="prometheus"}`); got != "1" {
		t.Errorf("the metric says %s", got)
	}
	if got := server.Posts.Load(); got != 1 {
		t.Errorf("%d reload requests at the start", got)
	}
}

// forbid is a proxy in front of a server that answers 403 at these paths.
func forbid(t *testing.T, server string, paths ...string) string {
	t.Helper()
	return answer(t, server, func(w http.ResponseWriter, path string) bool {
		if !slices.Contains(paths, path) {
			return false
		}
		http.Error(w, "forbidden", http.StatusForbidden)
		return true
	})
}

// answer is a proxy in front of a server that gives answers of its own to some paths.
func answer(t *testing.T, server string, own func(w http.ResponseWriter, path string) bool) string {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !own(w, r.URL.Path) {
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

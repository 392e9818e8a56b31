package judge

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/tools/txtar"
)

// goodFiles are the main files that the library accepts, from its own examples and from our testdata.
func goodFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{filepath.Join(moduleDir(t), "config", "testdata", "*.yml"), filepath.Join("testdata", "good", "*.yml"), filepath.Join("testdata", "cases", "*.txtar")} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: nothing: %v", pattern, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(name) == ".txtar" {
				q := questionOf(txtar.Parse(b))
				b = q.Files[q.Main].Content
			}
			refused := guarded(func() []problem { // some cases make the library panic
				_, err := config.Load(string(b), quiet)
				return problems(err, configNames)
			})
			if len(refused) == 0 {
				files[name] = string(b)
			}
		}
	}
	if len(files) < 30 {
		t.Fatalf("only %d good files", len(files))
	}
	return files
}

// Many jobs are printed a few at a time, exactly as the server prints them at once, whatever the settings next to a cut are.
func TestPrinted(t *testing.T) {
	t.Parallel()
	for name, body := range goodFiles(t) {
		cfg := mustLoad(t, body)
		if len(cfg.ScrapeConfigs) == 0 {
			continue
		}
		var jobs []*config.ScrapeConfig
		for i := range 90 + len(name)%7 {
			job := *cfg.ScrapeConfigs[i%len(cfg.ScrapeConfigs)]
			job.JobName = fmt.Sprintf("%s %d", job.JobName, i)
			jobs = append(jobs, &job)
		}
		cfg.ScrapeConfigs = jobs
		if d := cmp.Diff(cfg.String(), printed(cfg)); d != "" {
			t.Errorf("%s: by the library (-), a few at a time (+):\n%s", name, d)
		}
	}
	// How a text ends decides about the lines between two jobs.
	for _, value := range odd {
		cfg := oddConfig(t, value)
		for range 45 {
			job := *cfg.ScrapeConfigs[0]
			cfg.ScrapeConfigs = append(cfg.ScrapeConfigs, &job)
		}
		if d := cmp.Diff(cfg.String(), printed(cfg)); d != "" {
			t.Errorf("%q: by the library (-), a few at a time (+):\n%s", value, d)
		}
	}
}

// A configuration that is printed without being read again is the same as if it were read again, with its variables.
func TestPrintableWithoutReadingAgain(t *testing.T) {
	t.Setenv("RELOADER_TEST_LABEL", "expanded")
	files := goodFiles(t)
	for i, l := range []string{
		"{a: b}", "{a: $RELOADER_TEST_LABEL}", `{a: "\x24RELOADER_TEST_LABEL"}`, "{a: !!binary JFJFTE9BREVSX1RFU1RfTEFCRUw=}", "{a: $$, b: ''}", "{}", "",
	} {
		files[fmt.Sprint("labels ", i)] = "global: {external_labels: " + l + "}\nscrape_configs: [{job_name: a, relabel_configs: [{target_label: x, replacement: $1}]}]\n"
	}
	files["anchor"] = "rule_files: []\nscrape_configs:\n- job_name: a\n  static_configs: [{targets: [a], labels: &x {a: $RELOADER_TEST_LABEL}}]\nglobal: {external_labels: *x}\n"
	files["merged"] = "scrape_configs:\n- job_name: a\n  static_configs: [{targets: [a], labels: &x {a: $RELOADER_TEST_LABEL}}]\nglobal: {external_labels: {<<: *x}}\n"
	again, variables := 0, 0
	for name, body := range files {
		for _, features := range [][]string{nil, {"exemplar-storage"}, {"extra-scrape-metrics"}, {"st-storage", "extra-scrape-metrics"}} {
			want, err := printable(body, "/dir", features)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			l := configLoader{body: body, config: mustLoad(t, body)}
			got, err := l.printable("/dir", features, mustParse(t, body))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got != l.config {
				again++
			}
			if d := cmp.Diff(want.String(), got.String()); d != "" {
				t.Errorf("%s, %q: read again (-), not read again (+):\n%s", name, features, d)
			}
			want.GlobalConfig.ExternalLabels.Range(func(l labels.Label) {
				if strings.Contains(l.Value, "$") {
					variables++
				}
			})
		}
	}
	if all := 4 * len(files); again < all/2 || again > all*3/4 || variables < 20 {
		t.Errorf("%d of %d were read again, %d variables: too few or too many for a comparison", again, all, variables)
	}
}

func mustLoad(t *testing.T, body string) *config.Config {
	t.Helper()
	cfg, err := config.Load(body, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

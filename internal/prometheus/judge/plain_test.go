package judge

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"reloader/internal/prometheus/proof"
)

// odd are values that the library prints in different styles.
var odd = []string{
	"", "a", "a\n", "a\n\n", "\n", "\n\na\n \n", " a", "a ", "\xff", "{}", "[]", "[a", "a, b", "- a", "-", "-1", "--- a", "...", "? a", "a: b", "a:", "a #b", "#a", "true", "0x1", "1:30", "null", "~", "<<",
	"<secret>", `a\b`, `"`, `'`, `a"b'c`, "ä", "\u2028", "\ta", "scrape_configs:", "\nscrape_configs:\n- b", "a=b", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "$1:$2", strings.Repeat("long text ", 30), "2001-01-01",
}

// oddConfig is a configuration with this value in many places.
func oddConfig(t *testing.T, value string) *config.Config {
	t.Helper()
	cfg := mustLoad(t, `
global: {external_labels: {x: y}}
rule_files: [a]
scrape_configs:
- job_name: first
  params: {a: [b]}
  metric_relabel_configs: [{source_labels: [b], target_label: c}]
  static_configs: [{targets: [a], labels: {x: y}}]
remote_write: [{url: 'http://h/', headers: {a: b}}]
`)
	job := cfg.ScrapeConfigs[0]
	job.Params = map[string][]string{"a": {value}, value: {"a", value}, "b": nil}
	job.MetricRelabelConfigs[0].Replacement = value
	job.MetricRelabelConfigs[0].SourceLabels = append(job.MetricRelabelConfigs[0].SourceLabels, model.LabelName(value))
	cfg.RuleFiles = append(cfg.RuleFiles, value)
	cfg.RemoteWriteConfigs[0].Headers = map[string]string{value: value}
	cfg.RemoteWriteConfigs[0].Name = value
	other := *job
	other.JobName = value
	cfg.ScrapeConfigs = append(cfg.ScrapeConfigs, &other)
	return cfg
}

// The settings of a printed part are the same as a parser of YAML finds in the whole text, whether they were read line by line or
// parsed.
func TestSettingsOfPrintedParts(t *testing.T) {
	t.Parallel()
	var texts []string
	for _, body := range goodFiles(t) {
		texts = append(texts, mustLoad(t, body).String())
	}
	for _, value := range odd {
		texts = append(texts, oddConfig(t, value).String())
	}
	plain, all := 0, 0
	for _, text := range texts {
		items, whole := proof.Cut(text), parts(top(text))
		if len(whole) == 0 {
			t.Fatalf("this cannot be read:\n%s", text)
		}
		i := 0
		for _, part := range proof.Parts(text) {
			var want []setting
			if n := whole[items[i].String()]; n != nil {
				want = values(n, "", nil)
			}
			if d := cmp.Diff(want, settingsOf(items[i], part), cmp.AllowUnexported(setting{})); d != "" {
				t.Errorf("of the whole text (-), of the part (+):\n%s\n%s", d, part)
			}
			if _, ok := plainSettings("  " + strings.TrimPrefix(part, "- ")); items[i].Kind == "scrape job" {
				all++
				if ok {
					plain++
				}
			}
			i++
		}
	}
	if plain < all/3 || plain == all {
		t.Errorf("%d of %d jobs were read line by line", plain, all)
	}
}

// For any text that the library prints, reading line by line either gives the same as a parser of YAML or is not possible.
func FuzzPlainSettings(f *testing.F) {
	for _, v := range odd {
		f.Add("a: [" + v + "]\nlabels: {b: c, a: " + v + "}\n")
		f.Add("- " + v + "\n- {a: [], b: {}, c: [[a, b], {x: [y]}]}\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if yaml2.Unmarshal([]byte(text), &v) != nil {
			return
		}
		b, err := yaml2.Marshal(v)
		if err != nil {
			return
		}
		got, ok := plainSettings(string(b))
		if !ok {
			return
		}
		n := top(string(b))
		if n == nil || n.Kind == yaml.ScalarNode {
			t.Fatalf("%q was read as %v", b, got)
		}
		if want := values(n, "", nil); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", b, got, want)
		}
	})
}

package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/check/manifests"
	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/test/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

func manifestOptions(tb testing.TB) Options {
	tb.Helper()
	return Options{Config: config.Config{Promcheck: rig.Program(tb, "promcheck")}}
}

// checkText judges one manifest that is not in a file.
func checkText(tb testing.TB, o Options, text string) Result {
	tb.Helper()
	o.Stdin = strings.NewReader(text)
	list := Run(tb.Context(), o, []string{"-"})
	if len(list) != 1 {
		tb.Fatalf("%d results, want 1", len(list))
	}
	return list[0]
}

// Each mistake in a manifest is reported at its place, with the text in the golden file; the corrected manifest (.ok.yaml) has no
// finding. The contents of ConfigMaps, Secrets and PrometheusRules are judged like files
// (https://github.com/prometheus-operator/prometheus-operator/issues/4841, https://github.com/prometheus/prometheus/issues/11855).
func TestManifests(t *testing.T) {
	t.Parallel()
	o := manifestOptions(t)
	files, err := filepath.Glob("testdata/manifests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			list := Run(t.Context(), o, []string{file})
			if len(list) != 1 || list[0].Err != nil {
				t.Fatalf("got %+v", list)
			}
			var b bytes.Buffer
			if err := finding.WriteText(&b, list[0].Findings, nil); err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, ".ok.yaml") {
				if b.Len() > 0 || len(list[0].Judged) == 0 {
					t.Errorf("judged %q:\n%s", list[0].Judged, b.String())
				}
				return
			}
			for _, judged := range list[0].Judged {
				fmt.Fprintf(&b, "judged: %s\n", judged)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if os.Getenv("RELOADER_UPDATE") != "" {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("%s (-want +got):\n%s", golden, d)
			}
			if len(list[0].Findings) == 0 {
				t.Error("no finding")
			}
		})
	}
}

// Every rule has a manifest in testdata that triggers it.
func TestManifestRulesHaveExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/manifests/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	for _, rule := range manifests.Rules {
		if rule != manifests.RuleTooLarge && rule != manifests.RuleYAML && !strings.Contains(all.String(), "["+rule+"]") {
			t.Errorf("no manifest in testdata has %s", rule)
		}
	}
}

// The manifest that people run, with its three files as ConfigMaps, has three subPath mounts and nothing else to report.
func TestUsersManifest(t *testing.T) {
	t.Parallel()
	monitor, err := os.ReadFile("../inject/testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects := ""
	for name, file := range map[string]string{"prometheus-yml": "prometheus.yml", "grafana-ini": "grafana.ini", "grafana-datasource": "datasource.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../manifests/base", file))
		if err != nil {
			t.Fatal(err)
		}
		quoted, err := json.Marshal(string(text))
		if err != nil {
			t.Fatal(err)
		}
		objects += fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {%q: %s}\n", name, file, quoted)
	}
	r := checkText(t, manifestOptions(t), string(monitor)+objects)
	var lines []int
	for _, f := range r.Findings {
		if f.Rule != manifests.RuleSubPath || f.Severity != finding.Warning || f.Column != 11 {
			t.Errorf("not about a subPath mount: %s", f)
		}
		lines = append(lines, f.Line)
	}
	if d := cmp.Diff([]int{37, 66, 69}, lines); d != "" || r.Err != nil {
		t.Errorf("lines (-want +got):\n%s%v", d, r.Err)
	}
}

// The manifests and examples of this repository have no findings.
func TestOwnManifests(t *testing.T) {
	t.Parallel()
	o := manifestOptions(t)
	judged := 0
	for _, path := range []string{"../../manifests/monitor.yaml", "../../manifests/base", "../../examples/kustomize/direct", "../../examples/kustomize/gated"} {
		o.SkipUnknown = strings.Contains(path, "examples") // parts of manifests, for kustomize
		list := Run(t.Context(), o, []string{path})
		if len(list) == 0 {
			t.Errorf("%s was not judged", path)
		}
		for _, r := range list {
			if r.Err != nil {
				t.Errorf("%s: %v", path, r.Err)
			}
			judged += len(r.Judged)
			for _, f := range r.Findings {
				if f.Severity != finding.Info {
					t.Errorf("%s", f)
				}
			}
		}
	}
	if judged == 0 {
		t.Error("no server was found in any of them")
	}
}

// Two workloads with equal files are both listed as judged, and a mistake is found in each ConfigMap, though they are
// judged once.
func TestReplicas(t *testing.T) {
	t.Parallel()
	text := ""
	for _, name := range []string{"a", "b"} {
		text += strings.ReplaceAll(`---
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data:
  prometheus.yml: |
    global: {scrape_intervall: 5s}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: NAME}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: prometheus
        image: prom/prometheus:v3.5.0
        volumeMounts: [{name: config, mountPath: /etc/prometheus}]
      volumes: [{name: config, configMap: {name: NAME}}]
`, "NAME", name)
	}
	r := checkText(t, manifestOptions(t), text)
	var lines []int
	for _, f := range r.Findings {
		lines = append(lines, f.Line)
	}
	want := []string{"Prometheus in StatefulSet/a, container prometheus (1 file)", "Prometheus in StatefulSet/b, container prometheus (1 file)"}
	if d := cmp.Diff(want, r.Judged) + cmp.Diff([]int{7, 27}, lines); d != "" || r.Err != nil {
		t.Errorf("(-want +got):\n%s%v%v", d, r.Findings, r.Err)
	}
}

// The manifests in the documentation have no findings, except that they name objects which a page does not show.
func TestDocumentedManifests(t *testing.T) {
	t.Parallel()
	o := manifestOptions(t)
	o.SkipUnknown = true
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		whole := ""
		for _, m := range regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```").FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "apiVersion: ") && strings.Contains(m[1], "\nkind: ") {
				whole += "---\n" + m[1]
			}
		}
		if whole == "" {
			continue
		}
		r := checkText(t, o, whole)
		judged += len(r.Judged)
		if r.Err != nil {
			t.Errorf("%s: %v", page, r.Err)
		}
		for _, f := range r.Findings {
			// What a page leaves to the reader is in other files.
			if f.Severity != finding.Info && f.Rule != manifests.RuleNoObject {
				t.Errorf("%s: %s", page, f)
			}
		}
	}
	if judged < 4 {
		t.Errorf("only %d servers are in the documentation's manifests", judged)
	}
}

// The check of a hostile manifest ends with one short line that says why.
func TestHostileManifests(t *testing.T) {
	t.Parallel()
	o := manifestOptions(t)
	cyclic := "apiVersion: v1\nkind: List\nitems: &l\n" + strings.Repeat("- {kind: List, items: *l}\n", 2000)
	for name, c := range map[string]struct{ text, want string }{
		"binary":       {"\x00\x01\xff\xfe", "not YAML"},
		"deep":         {strings.Repeat("[", 200000), "not YAML"},
		"deep mapping": {"kind: Pod\nspec: " + strings.Repeat("{a: ", 20000) + "1" + strings.Repeat("}", 20000), "not YAML"},
		"cyclic lists": {cyclic, "no files of Prometheus or Grafana"},
		"aliases": {"a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c]\n" +
			"e: &e [*d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e]\nkind: Pod\nspec: {containers: *e}\n", "no files of Prometheus or Grafana"},
		"large":  {"kind: ConfigMap\nmetadata: {name: x}\ndata:\n  a.txt: " + strings.Repeat("x", 5<<20), "the API server accepts at most"},
		"a tab":  {"kind: Pod\nspec:\n\tcontainers: []\n", "not YAML"},
		"a text": {"hello\n", "no files of Prometheus or Grafana"},
		"empty":  {"", "no files of Prometheus or Grafana"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkText(t, o, c.text)
			text := ""
			if r.Err != nil {
				text = r.Err.Error() + "\n"
			}
			for _, f := range r.Findings {
				if f.Severity != finding.Info {
					text += f.String() + "\n"
				}
			}
			if !strings.Contains(text, c.want) || strings.Count(text, "\n") != 1 || len(text) > 400 {
				t.Errorf("want one line with %q, got %.1000q", c.want, text)
			}
		})
	}
}

// A ConfigMapList of more than a megabyte in JSON is judged, whether its kind is at the beginning or at the end.
func TestLargeList(t *testing.T) {
	t.Parallel()
	o := manifestOptions(t)
	bad, err := json.Marshal("global: {scrape_intervall: 5s}\n")
	if err != nil {
		t.Fatal(err)
	}
	item := func(i int, key, text string) string {
		return fmt.Sprintf(`{"metadata": {"name": "c%d"}, "kind": "ConfigMap", "data": {%q: %s}, "apiVersion": "v1"}`, i, key, text)
	}
	pad, err := json.Marshal(strings.Repeat("text ", 100000))
	if err != nil {
		t.Fatal(err)
	}
	items := "[" + item(1, "a.txt", string(pad)) + ",\n" + item(2, "b.txt", string(pad)) + ",\n" + item(3, "c.txt", string(pad)) + ",\n" + item(4, "prometheus.yml", string(bad)) + "]"
	for name, text := range map[string]string{
		"list.json": `{"apiVersion": "v1", "items": ` + items + `, "kind": "ConfigMapList", "metadata": {}}`,
		"list.yaml": `{"kind": "ConfigMapList", "apiVersion": "v1", "items": ` + items + `}`,
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list := Run(t.Context(), o, []string{file})
		if len(list) != 1 || list[0].Err != nil {
			t.Fatalf("%s: %+v", name, list)
		}
		found := false
		for _, f := range list[0].Findings {
			found = found || strings.Contains(f.Message, "scrape_intervall") && f.Line == 4 && f.Severity == finding.Error
		}
		if !found {
			t.Errorf("%s: %v", name, list[0].Findings)
		}
	}
}

// BenchmarkManifest measures the check of 20,000 lines of manifests, repeated in many namespaces.
func BenchmarkManifest(b *testing.B) {
	text, err := os.ReadFile("testdata/manifests/not-read.ok.yaml")
	if err != nil {
		b.Fatal(err)
	}
	var all strings.Builder
	for i := 0; strings.Count(all.String(), "\n") < 20000; i++ {
		all.WriteString("---\n" + strings.ReplaceAll(string(text), "metadata: {name:", fmt.Sprintf("metadata: {namespace: n%d, name:", i)))
	}
	o := manifestOptions(b)
	for b.Loop() {
		if r := checkText(b, o, all.String()); r.Err != nil || finding.HasErrors(r.Findings) {
			b.Fatal(r.Err, r.Findings)
		}
	}
}

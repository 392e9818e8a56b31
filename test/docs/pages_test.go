package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reloader/test/rig"
)

// written are pages that a program writes, and pages whose sections are test cases.
var written = regexp.MustCompile(`/(flags|checks-grafana|checks-grafana-alerting)\.md$`)

// Each page begins with a sentence that says what it is for, and has at most 200 lines.
func TestPages(t *testing.T) {
	t.Parallel()
	for page, text := range pages(t) {
		if filepath.Dir(page) != "../../docs" || strings.HasSuffix(page, "/README.md") {
			continue
		}
		lines := strings.Split(text, "\n")
		if len(lines) > 201 && !written.MatchString(page) {
			t.Errorf("%s has %d lines, more than 200: divide it", page, len(lines)-1)
		}
		if len(lines) < 3 {
			t.Errorf("%s has only %d lines", page, len(lines))
			continue
		}
		if !regexp.MustCompile("^[A-Za-z`]").MatchString(lines[2]) {
			t.Errorf("%s begins with %q, not with what it is for", page, lines[2])
		}
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// blocks are the YAML blocks of a page that contain this text.
func blocks(t *testing.T, page, with string) (found []string) {
	t.Helper()
	for _, m := range yamlBlock.FindAllStringSubmatch(pages(t)["../../docs/"+page], -1) {
		if strings.Contains(m[1], with) {
			found = append(found, m[1])
		}
	}
	if len(found) == 0 {
		t.Fatalf("docs/%s has no YAML with %q", page, with)
	}
	return found
}

// The manifests that users copy are correct: check has no findings, and inject changes nothing and has no warnings.
func TestManifestsByHand(t *testing.T) {
	t.Parallel()
	rig.Program(t, "promcheck")
	maps := blocks(t, "by-hand.md", "kind: ConfigMap")[0]
	for _, page := range []string{"by-hand.md", "by-hand-gated.md"} {
		file := filepath.Join(t.TempDir(), "monitor.yaml")
		rig.Must(t, os.WriteFile(file, []byte(maps+"---\n"+blocks(t, page, "kind: StatefulSet")[0]), 0o600))
		if o := rig.Command(t, "check", "--strict", file); o.Code != 0 || !strings.Contains(o.Stdout, "container grafana (4 files)") {
			t.Errorf("%s: %+v", page, o)
		}
		if o := rig.Command(t, "inject", "-f", file, "--diff"); o.Code != 0 || o.Stdout != "" || strings.Contains(o.Stderr, "left for you") {
			t.Errorf("%s: %+v", page, o)
		}
	}
}

// The examples of reloader's own file are accepted.
func TestOwnFiles(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"migration.md", "gated.md", "configuration.md"} {
		for _, text := range blocks(t, page, "targets:\n") {
			file := filepath.Join(t.TempDir(), "reloader.yml")
			rig.Must(t, os.WriteFile(file, []byte(text), 0o600))
			if o := rig.Command(t, "check", "--config", file); o.Code != 0 {
				t.Errorf("%s: %+v", page, o)
			}
		}
	}
}

// The README begins with real output of check.
func TestReadmeShowsRealOutput(t *testing.T) {
	rig.Program(t, "reloader")
	rig.Program(t, "promcheck")
	readme := pages(t)["../../README.md"]
	t.Chdir(t.TempDir())
	rig.WriteTree(t, ".", map[string]string{"prometheus.yml": `global:
  scrape_interval: 30s
rule_files:
  - rules/*.yml
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ["localhost:9090"]
  - job_name: shop
    static_configs:
      - targets: ["shop:8080"]
    scrape_intervall: 15s
`, "rules/none.yml": "groups: []\n"})
	o := rig.Command(t, "check", "--prometheus-config", "prometheus.yml")
	if shown := "$ reloader check --prometheus-config prometheus.yml\n" + o.Stdout; !strings.Contains(readme, shown) {
		t.Errorf("README.md does not show\n%s", shown)
	}
}

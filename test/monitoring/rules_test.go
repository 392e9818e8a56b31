package monitoring

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const component = "../../manifests/components/monitoring/"

// ruleFile is the rule file that the operator writes for Prometheus.
type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For    string
			Labels, Annotations map[string]string
		}
	}
}

// manifestRules reads the rules from the manifest itself, so that there is no copy that could differ.
func manifestRules(t *testing.T) ruleFile {
	t.Helper()
	var manifest struct{ Spec ruleFile }
	strictYAML(t, component+"rules.yaml", &manifest, false)
	return manifest.Spec
}

// strictYAML reads a file. If strict, it refuses fields that v does not have.
func strictYAML(t *testing.T, path string, v any, strict bool) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(strict)
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// write writes v as YAML.
func write(t *testing.T, path string, v any) {
	t.Helper()
	b, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// promtool runs the real promtool.
func promtool(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	binary := os.Getenv("RELOADER_PROMTOOL_BINARY")
	if binary == "" {
		t.Skip("RELOADER_PROMTOOL_BINARY is not set; make test sets it")
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// unitTests writes the rules and their unit tests into a new directory, and returns the path of the tests.
func unitTests(t *testing.T, rules ruleFile) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yaml"), rules)
	tests, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "alerts.yaml")
	if err := os.WriteFile(path, tests, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// By promtool's unit tests, the alerts fire when they should, with the right labels and texts, and only then. The rules pass its
// lint.
func TestAlerts(t *testing.T) {
	t.Parallel()
	path := unitTests(t, manifestRules(t))
	if out, err := promtool(t, "", "test", "rules", path); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
	if out, err := promtool(t, "", "check", "rules", "--lint=all", "--lint-fatal", filepath.Join(filepath.Dir(path), "rules.yaml")); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}

// The unit tests have a case in which each alert fires and one in which it does not, and they fail if its expression or its
// duration changes.
func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	var unit struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	strictYAML(t, "testdata/alerts.yaml", &unit, false)
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range unit.Tests {
		for _, c := range test.AlertRuleTest {
			fires[c.Alertname] = fires[c.Alertname] || len(c.ExpAlerts) > 0
			quiet[c.Alertname] = quiet[c.Alertname] || len(c.ExpAlerts) == 0
		}
	}
	for i, rule := range manifestRules(t).Groups[0].Rules {
		if !fires[rule.Alert] || !quiet[rule.Alert] {
			t.Errorf("%s: fires in a unit test: %t, is quiet in one: %t", rule.Alert, fires[rule.Alert], quiet[rule.Alert])
		}
		for what, change := range map[string]func(*ruleFile){
			"never":   func(f *ruleFile) { f.Groups[0].Rules[i].Expr = "vector(1) > 2" },
			"always":  func(f *ruleFile) { f.Groups[0].Rules[i].Expr = "vector(1)" },
			"at once": func(f *ruleFile) { f.Groups[0].Rules[i].For = "0s" },
		} {
			changed := manifestRules(t)
			change(&changed)
			if out, err := promtool(t, "", "test", "rules", unitTests(t, changed)); err == nil || !strings.Contains(out, rule.Alert) {
				t.Errorf("%s, changed to %q, fails no unit test of its own: %v\n%s", rule.Alert, what, err, out)
			}
		}
	}
}

// The plain rule file of the examples, for use without the operator, has the same rules as the component.
func TestPlainRules(t *testing.T) {
	t.Parallel()
	var plain ruleFile
	strictYAML(t, "../../examples/prometheus/rules/reloader.yml", &plain, true)
	if !reflect.DeepEqual(plain, manifestRules(t)) {
		t.Error("examples/prometheus/rules/reloader.yml differs from the component's rules.yaml")
	}
}

// Every alert has its texts and a runbook that exists, and docs/metrics.md lists all alerts.
func TestAlertsAreDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile(`(?m)^\| (Reloader\w+) \|`).FindAllStringSubmatch(string(doc), -1)
	var documented, exist []string
	for _, l := range listed {
		documented = append(documented, l[1])
	}
	for _, rule := range manifestRules(t).Groups[0].Rules {
		exist = append(exist, rule.Alert)
		for _, name := range []string{"summary", "description", "runbook_url"} {
			if rule.Annotations[name] == "" {
				t.Errorf("%s has no %s", rule.Alert, name)
			}
		}
		file, anchor, _ := strings.Cut(rule.Annotations["runbook_url"], "#")
		page, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Errorf("%s: %v", rule.Alert, err)
		}
		if !regexp.MustCompile(`(?im)^##+ ` + regexp.QuoteMeta(anchor) + `$`).Match(page) {
			t.Errorf("%s: %s has no heading %s", rule.Alert, file, anchor)
		}
	}
	if !slices.Equal(documented, exist) {
		t.Errorf("docs/metrics.md lists the alerts %v, the manifest has %v", documented, exist)
	}
}

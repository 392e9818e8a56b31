package judge

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
	"reloader/test/rig"
)

// moduleDir is the directory with the source of the Prometheus module.
func moduleDir(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Fatalf("find the prometheus module: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// opinion is what promtool reports about one file.
type opinion struct {
	failed bool
	text   string
}

// ask runs promtool once for many files. It continues after a bad one.
func ask(t *testing.T, args []string, files []string) map[string]opinion {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), rig.PromtoolBinary(t), append(args, files...)...)
	// One writer for both streams keeps them in order.
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // the exit code is about all files together
	opinions := map[string]opinion{}
	current := ""
	for line := range strings.Lines(out.String()) {
		if f, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "Checking "); ok && slices.Contains(files, f) {
			current = f
			opinions[f] = opinion{}
			continue
		}
		o := opinions[current]
		o.text += line
		// Two rules with the same name and labels are not an error in promtool, and a warning here.
		style := strings.Contains(o.text, "lint error") && strings.Count(o.text, "FAILED:") == 1
		o.failed = strings.Contains(o.text, "FAILED:") && !style
		opinions[current] = o
	}
	if len(opinions) != len(files) {
		t.Fatalf("promtool gave %d opinions on %d files:\n%s", len(opinions), len(files), out.String())
	}
	return opinions
}

// filesBelow are all files below a directory, as promcheck receives them.
func filesBelow(t *testing.T, dir string) []validator.File {
	t.Helper()
	var files []validator.File
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		files = append(files, validator.File{Path: p, Size: int64(len(b)), Content: b})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// judgeMain judges the main file at this path together with all other files.
func judgeMain(dir string, files []validator.File, main string, agent bool) *validator.Answer {
	// Other mutants do not belong to the configuration.
	files = slices.DeleteFunc(slices.Clone(files), func(f validator.File) bool { return filepath.Ext(f.Path) == ".mutant" && f.Path != main })
	i := slices.IndexFunc(files, func(f validator.File) bool { return f.Path == main })
	return Judge(&validator.Question{Protocol: validator.Protocol, Main: i, Files: files, Dirs: []string{dir}, Agent: agent})
}

// judgeText judges a main file without other files.
func judgeText(body string, agent bool) *validator.Answer {
	return judgeMain("/d", []validator.File{{Path: "/d/m", Size: int64(len(body)), Content: []byte(body)}}, "/d/m", agent)
}

// judgeRules judges one rule file alone.
func judgeRules(path string, content []byte) *validator.Answer {
	main := "rule_files: ['" + path + "']\n"
	return Judge(&validator.Question{Protocol: validator.Protocol, Files: []validator.File{
		{Path: filepath.Join(filepath.Dir(path), "prometheus.main"), Size: int64(len(main)), Content: []byte(main)},
		{Path: path, Size: int64(len(content)), Content: content},
	}})
}

func errorsOf(a *validator.Answer) []validator.Finding {
	return slices.DeleteFunc(slices.Clone(a.Findings), func(f validator.Finding) bool { return f.Severity != finding.Error })
}

// difference is a kind of file whose verdict deliberately differs from promtool's. docs/checks.md has a line for each name.
type difference struct {
	name string
	is   func(o opinion, a *validator.Answer) bool
}

func has(a *validator.Answer, rule string) bool {
	return slices.ContainsFunc(a.Findings, func(f validator.Finding) bool { return f.Rule == rule })
}

var differences = []difference{
	{"missing-file", func(o opinion, a *validator.Answer) bool {
		return o.failed && len(errorsOf(a)) == 0 && has(a, validator.RuleMissingFile) &&
			(strings.Contains(o.text, "no such file or directory") || strings.Contains(o.text, "does not point to an existing file"))
	}},
	{"legacy-names-in-rules", func(o opinion, a *validator.Answer) bool {
		return !o.failed && a.Scheme == "legacy" && !slices.ContainsFunc(errorsOf(a), func(f validator.Finding) bool {
			return f.Rule != validator.RuleLabel && f.Rule != validator.RuleRulesValue
		})
	}},
	{"crashes", func(o opinion, a *validator.Answer) bool {
		return !o.failed && !slices.ContainsFunc(errorsOf(a), func(f validator.Finding) bool {
			return f.Rule != validator.RuleCrash && !strings.Contains(f.Message, "max_version") && !strings.Contains(f.Message, "unrecognized log level")
		})
	}},
}

// compare reports a verdict that differs from promtool's and is not a listed difference. It also reports findings without a line or of an
// unknown rule.
func compare(t *testing.T, file string, o opinion, a *validator.Answer, used map[string]int) {
	t.Helper()
	found := errorsOf(a)
	for _, f := range a.Findings {
		if f.Line == 0 && len(f.Message) > 0 || !slices.Contains(validator.Rules, f.Rule) {
			t.Errorf("%s: a finding without a line or of no known rule: %+v", file, f)
		}
	}
	if o.failed == (len(found) > 0) {
		return
	}
	for _, d := range differences {
		if d.is(o, a) {
			used[d.name]++
			return
		}
	}
	t.Errorf("%s: promtool failed: %v, we found %v\npromtool: %s", file, o.failed, found, o.text)
}

// The library's own examples, good and bad, get promtool's verdict.
func TestVerdictsOnThePrometheusTestdata(t *testing.T) {
	t.Parallel()
	rig.PromtoolBinary(t)
	module := moduleDir(t)
	used := map[string]int{}

	dir := filepath.Join(module, "config", "testdata")
	mains, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	if err != nil || len(mains) < 150 {
		t.Fatalf("%d main files in the module, %v", len(mains), err)
	}
	files := filesBelow(t, dir)
	opinions := ask(t, []string{"check", "config"}, mains)
	agents := ask(t, []string{"check", "config", "--agent"}, mains)
	for _, m := range mains {
		compare(t, filepath.Base(m), opinions[m], judgeMain(dir, files, m, false), used)
		compare(t, filepath.Base(m)+" in agent mode", agents[m], judgeMain(dir, files, m, true), used)
	}

	rules, err := filepath.Glob(filepath.Join(module, "model", "rulefmt", "testdata", "*.yaml"))
	if err != nil || len(rules) < 10 {
		t.Fatalf("%d rule files in the module, %v", len(rules), err)
	}
	opinions = ask(t, []string{"check", "rules"}, rules)
	for _, r := range rules {
		b, err := os.ReadFile(r)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Base(r), opinions[r], judgeRules(r, b), used)
	}
	t.Logf("%d main files twice, %d rule files, deliberate differences: %v", len(mains), len(rules), used)
}

// The documentation lists exactly the differences that the comparison accepts, and each is shown here.
func TestDifferencesAreDocumentedAndReal(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "checks.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(b), "### Where the verdict differs from promtool's")
	section, _, _ = strings.Cut(section, "\n### ")
	var documented, listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, m[1])
	}
	for _, d := range differences {
		listed = append(listed, d.name)
	}
	if !slices.Equal(documented, listed) {
		t.Errorf("docs/checks.md lists %q, the comparison %q", documented, listed)
	}

	dir := t.TempDir()
	rules := "groups:\n- name: g\n  rules:\n  - record: jöb\n    expr: up\n"
	examples := map[string]string{
		"missing-file":          "rule_files: [gone.yml]\n",
		"legacy-names-in-rules": "global:\n  metric_name_validation_scheme: legacy\nrule_files: [a.rules]\n",
		"crashes":               "scrape_configs:\n- job_name: a\n  dns_sd_configs: [{names: [a], refresh_interval: 0s}]\n",
	}
	if err := os.WriteFile(filepath.Join(dir, "a.rules"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for name, body := range examples {
		p := filepath.Join(dir, name+".mutant")
		if err := os.WriteFile(p, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		compare(t, name, ask(t, []string{"check", "config"}, []string{p})[p], judgeMain(dir, filesBelow(t, dir), p, false), used)
	}
	for _, name := range listed {
		if used[name] != 1 {
			t.Errorf("the example of %q does not show the difference", name)
		}
	}
}

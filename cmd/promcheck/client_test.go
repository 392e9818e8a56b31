package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
	"reloader/internal/snapshot"
)

// asPromcheck is the name under which this test program acts as promcheck.
const asPromcheck = "promcheck"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == asPromcheck {
		main()
	}
	os.Exit(m.Run())
}

// newValidator starts this program as promcheck.
func newValidator(t testing.TB, opts validator.Options) *validator.Validator {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), asPromcheck)
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	opts.Main, opts.Program = "/user/prometheus.yml", program
	// The race detector's shadow memory does not count.
	opts.MemoryLimit = 1 << 50
	return validator.New(opts)
}

// setOf is a configuration of one source, which the server sees in another directory.
func setOf(files map[string]string) *snapshot.Set {
	m := map[string][]byte{}
	for name, body := range files {
		m[name] = []byte(body)
	}
	return snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "config", Dir: "/user", ServerDir: "/etc/prometheus"}, m))
}

func rulesFile(i string) string {
	return "groups:\n- name: g" + i + "\n  rules:\n  - record: job:x" + i + "\n    expr: sum(x" + i + ")\n"
}

const goodMain = "rule_files: [\"*.rules\"]\nscrape_configs:\n- job_name: a\n  static_configs: [{targets: [\"h:1\"]}]\n"

// The real process accepts good files and lists their jobs and groups. It names the place of a bad expression in the user's
// paths.
func TestVerdictOfTheRealProcess(t *testing.T) {
	t.Parallel()
	v := newValidator(t, validator.Options{})
	res, err := v.Validate(t.Context(), finding.Request{Set: setOf(map[string]string{"prometheus.yml": goodMain, "a.rules": rulesFile("1")})})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Findings) != 0 || res.Outline.Count(validator.KindJob) != 1 || res.Outline.Count(validator.KindGroup) != 1 {
		t.Errorf("good files: %v, %+v", res.Findings, res.Outline)
	}
	res, err = v.Validate(t.Context(), finding.Request{Set: setOf(map[string]string{
		"prometheus.yml": goodMain, "a.rules": rulesFile("1"), "b.rules": strings.Replace(rulesFile("2"), "sum(x2)", "sum(x2", 1),
	})})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Findings) != 1 || res.Findings[0].Position() != "/user/b.rules:5:17" || res.Findings[0].Rule != validator.RulePromQL {
		t.Errorf("a bad expression: %v", res.Findings)
	}
}

// A validator that remembers verdicts gives the same one as a new validator, whatever else changes.
func TestRememberedVerdicts(t *testing.T) {
	t.Parallel()
	v := newValidator(t, validator.Options{})
	bad := strings.Replace(rulesFile("2"), "sum(x2)", "sum(x2", 1)
	legacy := "global: {metric_name_validation_scheme: legacy}\n" + goodMain
	utf8 := strings.Replace(rulesFile("3"), "job:x3", "jöb", 1)
	for i, step := range []struct {
		main   string
		files  map[string]string
		facts  finding.Facts
		errors int
	}{
		{goodMain, map[string]string{"a.rules": rulesFile("1"), "b.rules": bad}, finding.Facts{}, 1},
		{goodMain, map[string]string{"a.rules": rulesFile("1"), "b.rules": bad, "c.rules": utf8}, finding.Facts{}, 1},
		{goodMain, map[string]string{"a.rules": rulesFile("1"), "c.rules": utf8}, finding.Facts{}, 0},
		{goodMain, map[string]string{"z.rules": bad, "c.rules": utf8}, finding.Facts{}, 1},
		{legacy, map[string]string{"z.rules": bad, "c.rules": utf8}, finding.Facts{}, 2},
		{goodMain, map[string]string{"c.rules": utf8, "a.rules": rulesFile("1")}, finding.Facts{Version: "3.15.0"}, 0},
		{strings.Replace(goodMain, "rule_files", "scrape_config_files", 1), map[string]string{"c.rules": utf8, "a.rules": rulesFile("1")}, finding.Facts{Version: "3.15.0"}, 2},
		{strings.Replace(goodMain, "*.rules", "a.rules", 1), map[string]string{"c.rules": bad, "a.rules": rulesFile("1")}, finding.Facts{Version: "3.15.0"}, 0},
	} {
		step.files["prometheus.yml"] = step.main
		remembered, err := v.Validate(t.Context(), finding.Request{Set: setOf(step.files), Facts: step.facts})
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := newValidator(t, validator.Options{}).Validate(t.Context(), finding.Request{Set: setOf(step.files), Facts: step.facts})
		if err != nil {
			t.Fatal(err)
		}
		if got := finding.Count(remembered.Findings, finding.Error); got != step.errors || !reflect.DeepEqual(remembered.Findings, fresh.Findings) {
			t.Errorf("step %d: %d errors, want %d\nremembered: %v\nfresh: %v", i, got, step.errors, remembered.Findings, fresh.Findings)
		}
		if r, f := remembered.Outline.Count(validator.KindGroup), fresh.Outline.Count(validator.KindGroup); r != f {
			t.Errorf("step %d: %d groups remembered, %d fresh", i, r, f)
		}
	}
}

// A verdict that was remembered without a server is not reused with one: then the verdict must say what the server will show.
func TestOfflineVerdictsAreNotRemembered(t *testing.T) {
	t.Parallel()
	v := newValidator(t, validator.Options{})
	set := setOf(map[string]string{"prometheus.yml": goodMain, "a.rules": rulesFile("1")})
	var last *proof.Expected
	for _, offline := range []bool{true, false, true, false} {
		res, err := v.Validate(t.Context(), finding.Request{Set: set, Offline: offline})
		if err != nil {
			t.Fatal(err)
		}
		e, _ := res.Expected.(*proof.Expected)
		if len(res.Findings) > 0 || e == nil || len(e.Rules) != 1 || (len(e.Rules[0].Groups) == 0) != offline || (e.Text == 0) != offline {
			t.Fatalf("offline %v: %v, %+v", offline, res.Findings, e)
		}
		last = e
	}
	fresh, err := newValidator(t, validator.Options{}).Validate(t.Context(), finding.Request{Set: set})
	if err != nil || !reflect.DeepEqual(fresh.Expected, last) {
		t.Errorf("remembered: %+v\nfresh: %+v, %v", last, fresh.Expected, err)
	}
}

// A cancelled validation is an error, not a verdict.
func TestCancelledValidation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newValidator(t, validator.Options{}).Validate(ctx, finding.Request{Set: setOf(map[string]string{"prometheus.yml": goodMain})})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the validation was cancelled", err)
	}
}

// The server decides about an expression that only a newer version may know, even if the verdict on its file is remembered: it
// is asked each time.
func TestTheRunningServerJudgesItsGrammar(t *testing.T) {
	t.Parallel()
	v := newValidator(t, validator.Options{})
	set := setOf(map[string]string{"prometheus.yml": goodMain, "a.rules": strings.Replace(rulesFile("1"), "sum(x1)", "brand_new(x1)", 1)})
	words := ""
	var asked []string
	refuses := func(_ context.Context, expr string) (string, error) {
		asked = append(asked, expr)
		return words, nil
	}
	for i, want := range []string{"", "1:1: parse error: unknown function", ""} {
		words = want
		res, err := v.Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{Version: "3.17.0", Refuses: refuses}})
		if err != nil {
			t.Fatal(err)
		}
		if refused := len(res.Findings) == 1 && strings.Contains(res.Findings[0].Message, want) && res.Findings[0].Position() == "/user/a.rules:5:11"; (want != "") != refused || want == "" && len(res.Findings) != 0 {
			t.Errorf("%d: refused %q: %v", i, want, res.Findings)
		}
	}
	if strings.Join(asked, " ") != "brand_new(x1) brand_new(x1) brand_new(x1)" {
		t.Errorf("asked %q", asked)
	}
}

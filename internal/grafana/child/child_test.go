package child

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reloader/internal/confine"
	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/driver"
	"reloader/internal/grafana/validation"
	"reloader/internal/grafana/validator"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// TestMain makes this program the judging process when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Command {
		os.Exit(Serve(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func newValidator(t testing.TB, o Options) *Validator {
	t.Helper()
	if o.Program == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		o.Program = self
	}
	return New(o)
}

func setOf(role string, files map[string]string) *snapshot.Set {
	b := map[string][]byte{}
	for name, text := range files {
		b[name] = []byte(text)
	}
	s := snapshot.FromFiles(snapshot.Source{Name: role, Dir: "/etc/grafana/provisioning/" + role}, b)
	s.Missing = []snapshot.Missing{{Name: "gone.yaml", Reason: snapshot.ReasonDangling}}
	return snapshot.NewSet(s)
}

const datasources = "apiVersion: 1\ndatasources:\n- {name: a, type: prometheus, url: http://a, isDefault: true}\n- {name: b, type: prometheus, urll: http://b, isDefault: true}\n"

// The process gives the same verdict as the validator in this process, with everything that a request can have: what the live
// server has, what it ran before, what is allowed, and what is missing.
func TestSameVerdict(t *testing.T) {
	t.Parallel()
	v, here := newValidator(t, Options{}), driver.Expecting(validator.New(validation.Options{}))
	running := &finding.Outline{Items: []finding.Item{{Kind: "datasource", Name: "old", Fingerprint: 1<<63 + 7, Attrs: map[string]string{"uid": "u"}}}}
	for i, req := range []finding.Request{
		{Set: setOf(grafana.Datasources, map[string]string{"a.yaml": datasources})},
		{Set: setOf(grafana.Datasources, map[string]string{"a.yaml": datasources, "b.yml": "x: [", "c.txt": ""}), Running: running},
		{Set: setOf(grafana.Datasources, map[string]string{"a.yaml": "apiVersion: 1\ndatasources: []\n"}), Running: running, Allow: validator.Guards()},
		{Set: setOf(grafana.Datasources, map[string]string{"a.yaml": datasources}), Facts: finding.Facts{Version: "9.5.0", Live: &validation.Live{Orgs: []validation.Org{{ID: 1, Name: "Main"}}, Plugins: []string{}}}},
		{Set: setOf(grafana.Datasources, map[string]string{"a.yaml": "apiVersion: 1\ndatasources: [{name: a, type: prometheus, urll: x, jsonData: {a: [1]}, secureJsonData: {b: c}}]\n"}), Facts: finding.Facts{Version: "12.4.0"}},
		{Set: setOf(grafana.Ini, map[string]string{"grafana.ini": "[server]\nhttp_port = x\n[nope]\na = b\n"})},
		{Set: setOf(grafana.Alerting, map[string]string{"a.yaml": "apiVersion: 1\ngroups: [{name: g, folder: f, interval: 10s, rules: [{}]}]\n"})},
	} {
		want, err := here.Validate(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Validate(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if len(want.Findings) == 0 || !reflect.DeepEqual(got.Findings, want.Findings) {
			t.Errorf("%d: findings\n%v, want\n%v", i, got.Findings, want.Findings)
		}
		if d := cmp.Diff(want.Expected, got.Expected, cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty()); d != "" || (got.Expected == nil) != finding.HasErrors(got.Findings) {
			t.Errorf("%d: expected %v differs:\n%s", i, got.Expected != nil, d)
		}
		if len(got.Outline.Items)+len(want.Outline.Items) > 0 && !reflect.DeepEqual(got.Outline, want.Outline) {
			t.Errorf("%d: outline %v, want %v", i, got.Outline, want.Outline)
		}
	}
}

// Whatever a tenant writes ends in a bounded verdict, or in an error that names the limit that was reached. These files once
// killed the daemon, or kept it busy for minutes.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	rig.WithoutRaces(t) // the detector needs more memory than the child may use
	const size = 1_000_000
	fill := func(head, body, tail string) string { return head + strings.Repeat(body, size/len(body)) + tail }
	v := newValidator(t, Options{Timeout: 10 * time.Second, Memory: 128 << 20})
	for name, set := range map[string]*snapshot.Set{
		"empty rules":       setOf(grafana.Alerting, map[string]string{"a.yaml": fill("apiVersion: 1\ngroups: [{name: g, folder: f, interval: 10s, rules: [", "{},", "]}]\n")}),
		"empty datasources": setOf(grafana.Datasources, map[string]string{"a.yaml": fill("apiVersion: 1\ndatasources: [", "{},", "]\n")}),
		"list of nothing":   setOf(grafana.Datasources, map[string]string{"a.yaml": fill("apiVersion: 1\ndatasources:\n", "- {}\n", "")}),
		"variables":         setOf(grafana.Datasources, map[string]string{"a.yaml": fill("apiVersion: 1\ndatasources:\n- name: \"", "${a}", "\"\n")}),
		"ini keys":          setOf(grafana.Ini, map[string]string{"grafana.ini": fill("[server]\n", "abcdef=1\n", "")}),
	} {
		res, err := v.Validate(t.Context(), finding.Request{Set: set})
		var e *confine.Error
		switch {
		case err == nil && (len(res.Findings) == 0 || len(res.Findings) > 1200):
			t.Errorf("%s: %d findings", name, len(res.Findings))
		case err != nil && (!errors.As(err, &e) || e.Reason != confine.ReasonTimeout && e.Reason != confine.ReasonMemory):
			t.Errorf("%s: %v", name, err)
		default:
			t.Logf("%s: %d findings, %v", name, len(res.Findings), err)
		}
	}
}

// A process that gives an unusable answer, dies, hangs or writes without end gives no verdict, and the error says why.
func TestNoVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ script, reason, says string }{
		{"exit 0", confine.ReasonAnswer, "parse answer"},
		{"cat >/dev/null; echo valid", confine.ReasonAnswer, "parse answer"},
		{`cat >/dev/null; printf '{"Findings": []'`, confine.ReasonAnswer, "parse answer"},
		{`cat >/dev/null; echo '{}'`, confine.ReasonAnswer, "no verdict"},
		{`cat >/dev/null; echo '{"Done": true}'; exit 1`, confine.ReasonAnswer, "exit code 1"},
		{`cat >/dev/null; echo '{"Done": true}{}'`, confine.ReasonAnswer, "more than one answer"},
		{`cat >/dev/null; echo '{"Done": true, "Findings": [{"severity": "fatal"}]}'`, confine.ReasonAnswer, "parse answer"},
		{`cat >/dev/null; echo '{"Done": true, "Findings": [{"severity": "error", "line": -1}]}'`, confine.ReasonAnswer, "makes no sense"},
		{`cat >/dev/null; echo '{"Error": "no"}'`, confine.ReasonAnswer, "no"},
		{"kill -SEGV $$", confine.ReasonDied, "segmentation fault"},
		{"yes", confine.ReasonAnswer, "more than"},
		{"sleep 100", confine.ReasonTimeout, "no answer within"},
	} {
		program := filepath.Join(t.TempDir(), "judge")
		rig.WriteProgram(t, program, "#!/bin/sh\n"+c.script+"\n")
		o := Options{Program: program, Timeout: rig.Patience}
		if c.reason == confine.ReasonTimeout {
			o.Timeout = 100 * time.Millisecond
		}
		res, err := newValidator(t, o).Validate(t.Context(), finding.Request{Set: setOf(grafana.Datasources, map[string]string{"a.yaml": datasources})})
		var e *confine.Error
		if !errors.As(err, &e) || e.Reason != c.reason || !strings.Contains(e.Err.Error(), c.says) {
			t.Errorf("%s: %v, %v, want %q: %q", c.script, res, err, c.reason, c.says)
		}
	}
}

// The process gets none of our environment, unless the user said that Grafana has the same one.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	set := setOf(grafana.Datasources, map[string]string{"a.yaml": "apiVersion: 1\ndatasources:\n- {name: a, type: prometheus, url: \"$CHILD_TEST_URL\"}\n"})
	for given, want := range map[string]bool{"CHILD_TEST_URL=http://a": false, "CHILD_TEST_OTHER=x": true} {
		v := newValidator(t, Options{Environ: func() []string { return []string{given} }})
		res, err := v.Validate(t.Context(), finding.Request{Set: set, Facts: finding.Facts{SameEnv: true}})
		if err != nil {
			t.Fatal(err)
		}
		missing := slices.ContainsFunc(res.Findings, func(f finding.Finding) bool { return strings.Contains(f.Message+f.Rule, "variable") })
		if missing != want {
			t.Errorf("with %s: %v", given, res.Findings)
		}
	}
	asked := false
	v := newValidator(t, Options{Environ: func() []string { asked = true; return nil }})
	if _, err := v.Validate(t.Context(), finding.Request{Set: set}); err != nil || asked {
		t.Errorf("without SameEnv the environment was read: %t, %v", asked, err)
	}
}

func BenchmarkValidate(b *testing.B) {
	set := setOf(grafana.Datasources, map[string]string{"a.yaml": "apiVersion: 1\ndatasources:\n- {name: a, type: prometheus, url: http://a}\n"})
	for name, v := range map[string]finding.Validator{"here": validator.New(validation.Options{}), "child": newValidator(b, Options{})} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := v.Validate(b.Context(), finding.Request{Set: set}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package check

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reloader/test/rig"
)

// The kind of a path follows from its name, its place and the keys at the top of a file. A file with a mistake in such a key is
// still recognized, and a path of an unknown kind is an error.
func TestClassify(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rig.WriteTree(t, dir, map[string]string{
		"p/prometheus.yml":            "",
		"g/datasources/x.yaml":        "",
		"mixed/a.yml":                 "groups:\n- name: x\n",
		"mixed/b.yaml":                "apiVersion: 1\ngroups: []\n",
		"mixed/c.yaml":                "apiVersion: 1\ndatasources:\n  - broken: [\n",
		"mixed/d.yml":                 "# comment\n\"global\": {}\n",
		"mixed/e.json":                "{}",
		"mixed/f.ini":                 "",
		"mixed/g.yaml":                "apiVersion: v1\nkind: ConfigMap\n",
		"mixed/README.md":             "x",
		"mixed/h.yml":                 "x: 1\n",
		"mixed/sub/prometheus.yml":    "",
		"mixed/.hidden.yml":           "groups: []\n",
		"none/x.txt":                  "",
		"k/..2026/prometheus.yml":     "",
		"binary.yml":                  "\x00\x01\xff",
		"prometheus.broken.yml":       "\t",
		"mixed2/providers.yml":        "providers: []\n",
		"mixed2/contacts.yaml":        "contactPoints: []\n",
		"mixed2/empty-datasource.yml": "",
		"mixed/i.yaml":                "{{- if .Values.x }}\nkind: ConfigMap\napiVersion: v1\n{{- end }}\n",
		"near/a.yml":                  "# a list\n- name: x\n  rules:\n  - alert: A\n    expr: up\n",
		"near/b.yml":                  "group:\n- rules:\n  - record: a\n    expr: up\n",
		"near/c.yaml":                 "apiVersion: 1\ndatasource:\n- name: x\n",
		"near/d.yml":                  "apiVersion: 1\ncontact_points: []\n",
		"near2/dashboards/e.yml":      "apiVersion: 1\ndashboards: []\n",
		"near/values.yaml":            "stack:\n  groups:\n  - rules:\n    - alert: A\n      expr: up\n",
		"near/Chart.yaml":             "apiVersion: v2\nname: x\ndatasource: x\n",
		"near/playbook.yml":           "- hosts: all\n  roles: [x]\n",
		"near/adapter.yml":            "rules:\n- seriesQuery: x\n",
		"near/values2.yaml":           "image: a\nrules:\n- alert: A\n  expr: up\n",
		"near/f.yml":                  "route: {}\ngroup:\n- rules:\n  - record: a\n    expr: up\n",
		"near/g.yml":                  "apiVersion: 1\nname: x\n",
	})
	at := func(kind FileKind, name, role string) Input {
		return Input{Kind: kind, Path: filepath.Join(dir, name), Role: role}
	}
	for path, want := range map[string][]Input{
		"p": {at(KindPrometheus, "p/prometheus.yml", "")},
		"g": {at(KindProvisioning, "g", "")},
		"mixed": {
			at(KindRules, "mixed/a.yml", ""), at(KindGrafanaFile, "mixed/b.yaml", "alerting"),
			at(KindGrafanaFile, "mixed/c.yaml", "datasources"), at(KindPrometheus, "mixed/d.yml", ""),
			at(KindDashboard, "mixed/e.json", "dashboards"), at(KindIni, "mixed/f.ini", ""), at(KindManifest, "mixed/g.yaml", ""), at(KindManifest, "mixed/i.yaml", ""),
		},
		"mixed2":                {at(KindGrafanaFile, "mixed2/contacts.yaml", "alerting"), at(KindGrafanaFile, "mixed2/providers.yml", "dashboards")},
		"near":                  {at(KindRules, "near/a.yml", ""), at(KindRules, "near/b.yml", ""), at(KindGrafanaFile, "near/c.yaml", "datasources"), at(KindGrafanaFile, "near/d.yml", "alerting")},
		"near2/dashboards":      {at(KindGrafanaFile, "near2/dashboards/e.yml", "dashboards")},
		"prometheus.broken.yml": {at(KindPrometheus, "prometheus.broken.yml", "")},
	} {
		got, err := Classify(filepath.Join(dir, path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	for _, path := range []string{"none", "binary.yml", "none/x.txt"} {
		if _, err := Classify(filepath.Join(dir, path)); !errors.Is(err, ErrUnknownKind) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Classify(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// A check of a directory does not descend into it. The directories in it that look like configuration, and were not given, are named.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{
		"a.yaml", "prometheus/prometheus.yml", "prometheus/rules/a.yml", "grafana/grafana.ini", "docs/x.txt", "web/package.json", "web/tox.ini", "src/plugins/a.js", "node_modules/a.yaml", "b/provisioning/datasources/a.yaml", ".git/a.ini", "given/a.ini", "whole/prometheus.yml", "whole/more/a.ini",
	} {
		rig.WriteTree(t, dir, map[string]string{name: "groups: []\n"})
	}
	got := LeftOut([]string{dir, filepath.Join(dir, "given", "a.ini"), filepath.Join(dir, "whole"), filepath.Join(dir, "a.yaml"), "-", "missing"})
	if diff := cmp.Diff([]string{filepath.Join(dir, "b/provisioning"), filepath.Join(dir, "grafana"), filepath.Join(dir, "prometheus")}, got); diff != "" {
		t.Error(diff)
	}
}

// Any bytes have a kind or are an error, and each key that is found begins a line.
func FuzzTopLevelKeys(f *testing.F) {
	f.Add([]byte("global: {}\n'rule_files' : []\n  kind: x\n"))
	f.Add([]byte("apiVersion: 1\ndatasources:\n"))
	f.Add([]byte("a:\r\nb :\x00\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys := topLevelKeys(data)
		for key := range keys {
			if !regexp.MustCompile(`(?m)^["']?` + key + `["']?\s*:`).Match(data) {
				t.Errorf("%q of %q", key, data)
			}
		}
		found, err := byKeys(Input{Path: "x"}, keys)
		if err != nil && !errors.Is(err, ErrUnknownKind) || (err == nil) != (found.Kind != "") {
			t.Errorf("%q: %+v, %v", data, found, err)
		}
	})
}

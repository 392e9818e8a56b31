package validator

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/expand"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// fieldCase is a set of files that people really wrote, in testdata/field/NAME: p is the provisioning directory, other
// directories have dashboards.
type fieldCase struct {
	name    string
	version string
	same    bool
	env     map[string]string
	// want are the errors and warnings, as "severity file:line rule".
	want []string
	// says are words that some message or hint must have, never are words that none may have.
	says, never []string
}

// fieldSet reads the files of a case as the sources of a target.
func fieldSet(t *testing.T, name string) *snapshot.Set {
	t.Helper()
	root := filepath.Join("testdata", "field", name)
	dirs := map[string]map[string][]byte{}
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		dir, file, _ := strings.Cut(rel, "/")
		if dir == "p" || dir == "provisioning" {
			var role string
			role, file, _ = strings.Cut(file, "/")
			dir += "/" + role
		}
		if file == "" {
			dir, file = "", rel
		}
		if path.Ext(rel) == ".json" && dir == "" { // a lone dashboard
			dir = "d"
			dirs["p/dashboards"] = map[string][]byte{"p.yaml": []byte("apiVersion: 1\nproviders: [{name: d, updateIntervalSeconds: 30, options: {path: /case/d}}]\n")}
		}
		if dirs[dir] == nil {
			dirs[dir] = map[string][]byte{}
		}
		dirs[dir][file] = []byte(strings.ReplaceAll(string(b), "@DIR@", "/case"))
		return nil
	})
	if err != nil || len(dirs) == 0 {
		t.Fatal("no files", err)
	}
	var snaps []*snapshot.Snapshot
	for dir, files := range dirs {
		src := snapshot.Source{Name: path.Base(dir), Dir: path.Join("/case", dir)}
		if dir == "" {
			src.Name = grafana.Ini
		}
		snaps = append(snaps, snapshot.FromFiles(src, files))
	}
	return snapshot.NewSet(snaps...)
}

func short(findings []finding.Finding, least finding.Severity) []string {
	var out []string
	for _, f := range findings {
		if f.Severity >= least {
			place, _, _ := strings.Cut(strings.TrimPrefix(f.Position(), "/case/"), ":")
			if f.Line > 0 {
				place = strings.TrimPrefix(finding.Finding{File: place, Line: f.Line}.Position(), "/")
			}
			out = append(out, f.Severity.String()+" "+place+" "+f.Rule)
		}
	}
	slices.Sort(out)
	return out
}

func (c fieldCase) run(t *testing.T) {
	env := expand.Env{
		LookupEnv: func(n string) (string, bool) { v, ok := c.env[n]; return v, ok },
		ReadFile:  func(string) ([]byte, error) { return nil, os.ErrNotExist },
	}
	r, err := New(validation.Options{Env: env, DirExists: func(string) bool { return true }}).Validate(t.Context(), finding.Request{
		Set: fieldSet(t, c.name), Facts: finding.Facts{Version: c.version, SameEnv: c.same},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(c.want))
	if got := short(r.Findings, finding.Warning); !slices.Equal(got, want) {
		t.Errorf("Grafana %q: got\n  %s\nwant\n  %s\n%s", c.version, strings.Join(got, "\n  "), strings.Join(want, "\n  "), listed(r.Findings))
	}
	all := ""
	for _, f := range r.Findings {
		all += f.String() + " (" + f.Hint + ")\n"
	}
	for _, w := range c.says {
		if !strings.Contains(all, w) {
			t.Errorf("no finding says %q:\n%s", w, all)
		}
	}
	for _, w := range c.never {
		if strings.Contains(all, w) {
			t.Errorf("a finding says %q:\n%s", w, all)
		}
	}
}

func runField(t *testing.T, cases []fieldCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name+"/"+c.version, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// Files with dollar signs in values, from public threads, that reloader once judged wrongly.
func TestFieldVariables(t *testing.T) {
	t.Parallel()
	runField(t, []fieldCase{
		// Grafana's own documentation of provisioning writes these.
		{name: "documented-variables"},
		{name: "path-from-environment", want: []string{"warning p/dashboards/a.yaml:4 expand-unknown-value"}, says: []string{"its dashboards are not checked [expand-unknown-value]"}},
		// https://github.com/grafana/grafana/issues/39562 and https://github.com/grafana/grafana/issues/63651
		{name: "own-variables", want: []string{"warning p/datasources/a.yaml:8 expand-own-variable"}, says: []string{"$$"}},
		{name: "own-variables", same: true, want: []string{"warning p/datasources/a.yaml:8 expand-own-variable"}},
		// https://github.com/grafana/grafana/issues/20347
		{name: "number-wanted", same: true, env: map[string]string{"DS_MAX_OPEN": "5"}},
		// https://github.com/grafana/grafana/issues/69950 and https://github.com/grafana/alerting/issues/558
		{name: "telegram-variable", want: []string{"warning p/alerting/c.yaml:8 contact-point-number"}},
		{name: "telegram-variable", version: "11.6.0", want: []string{"warning p/alerting/c.yaml:8 contact-point-number"}},
		{name: "telegram-name", want: []string{"warning p/alerting/c.yaml:11 contact-point-number", "warning p/alerting/c.yaml:11 expand-dollar-cut"}},
		{name: "telegram-variable", version: "9.5.0"},
		{name: "telegram-variable", version: "13.1.0"},
		{name: "telegram-variable", version: "12.4.0", same: true, env: map[string]string{"TG_TOKEN": "a:b", "TG_CHAT": "-1001"},
			want: []string{"error p/alerting/c.yaml:8 contact-point-value"}, never: []string{"put it in quotes", "quotes do not help"}},
	})
}

// Alerting files from public threads that reloader once judged wrongly.
func TestFieldAlerting(t *testing.T) {
	t.Parallel()
	runField(t, []fieldCase{
		// https://github.com/grafana/grafana/issues/97804, https://github.com/grafana/grafana/issues/97175 and
		// https://github.com/grafana/grafana/issues/101305
		{name: "no-for-11", version: "11.0.0", want: []string{"error p/alerting/r.yaml:8 alerting-key-missing"}},
		{name: "no-for-11", version: "11.4.0", want: []string{"error p/alerting/r.yaml:8 alerting-key-missing"}},
		{name: "no-for-11", version: "11.5.0"},
		{name: "no-for-11", version: "12.4.0"},
		{name: "no-for-11", version: "13.1.0"},
		// The receivers of Grafana 12.4.
		{name: "http-config", version: "12.4.0"},
		{name: "http-config", version: "13.1.0"},
		{name: "http-config", version: "12.0.0", want: []string{"warning p/alerting/c.yaml:10 contact-point-settings"}},
		{name: "oauth2-incomplete", version: "12.4.0", want: []string{"error p/alerting/c.yaml:11 contact-point-required"}, says: []string{"client_secret", "token_url"}},
		{name: "oauth2-incomplete", version: "13.1.0", want: []string{"warning p/alerting/c.yaml:11 contact-point-required"}},
		// https://github.com/grafana/grafana/issues/104252
		{name: "active-intervals", version: "11.6.0", want: []string{"warning p/alerting/c.yaml:7 policy-key-version"}},
		{name: "active-intervals", version: "12.0.2", want: []string{"warning p/alerting/c.yaml:7 policy-key-version"}},
		{name: "active-intervals", version: "12.1.0"},
		// https://github.com/grafana/grafana/issues/109710
		{name: "keep-firing", version: "12.1.2"},
		{name: "keep-firing", version: "12.0.0", want: []string{"warning p/alerting/r.yaml:12 alert-rule-key-version"}},
		// kube-prometheus ships 13.1; https://github.com/grafana/alerting/issues/558
		{name: "newer-grafana", version: "12.4.0", want: []string{"error p/alerting/c.yaml:6 contact-point-type", "error p/alerting/c.yaml:7 contact-point-value"}},
		{name: "newer-grafana", version: "13.1.3", want: []string{"warning p/alerting/c.yaml:6 contact-point-type", "warning p/alerting/c.yaml:7 contact-point-value"}},
		// https://github.com/grafana/helm-charts/issues/1837
		{name: "quote-in-quotes", want: []string{"error p/alerting/c.yaml:5 yaml-syntax"}},
		// https://github.com/samber/awesome-prometheus-alerts/issues/447
		{name: "prometheus-rules-in-alerting", want: []string{"error p/alerting/r.yaml:1 wrong-kind-of-file"}},
		{name: "prometheus-rules-in-alerting", version: "13.1.0", want: []string{"error p/alerting/r.yaml:1 wrong-kind-of-file"}},
		// https://github.com/prometheus-operator/prometheus-operator/issues/4841
		{name: "kubernetes-object", want: []string{"warning p/alerting/r.yaml:2 wrong-kind-of-file"}, says: []string{"PrometheusRule"}},
		{
			name: "object-in-kinds", want: []string{"error p/dashboards/a.yaml:1 provider-api-version", "error p/datasources/a.yaml:1 yaml-bad-integer"},
			says: []string{"Kubernetes object of kind ConfigMap", "Kubernetes object (kind"},
		},
		{
			name: "kinds-mixed-up", want: []string{"warning p/dashboards/a.yaml:1 provider-file-empty", "warning p/dashboards/a.yaml:2 yaml-unknown-key"},
			says: []string{"belongs in the directory datasources"},
		},
		// https://github.com/prometheus/prometheus/issues/4859
		{name: "unquoted-template", want: []string{"error p/datasources/a.yaml:6 yaml-wrong-type"}, says: []string{"put quotes"}},
		{name: "unquoted-braces", want: []string{"error p/datasources/a.yaml:3 yaml-syntax"}, says: []string{"put quotes"}},
		// Data sources that the public wrote.
		{name: "apiversion-in-entry", want: []string{"warning p/datasources/a.yaml:6 yaml-unknown-key"}, says: []string{"top level of the file"}, never: []string{"mean version"}},
	})
}

// Dashboards and providers from public threads that reloader once judged wrongly.
func TestFieldDashboards(t *testing.T) {
	t.Parallel()
	runField(t, []fieldCase{
		// https://github.com/grafana/grafana/issues/126641, https://github.com/grafana/grafana/issues/123607 and
		// https://github.com/grafana/grafana/issues/127928
		{name: "bare-v2", version: "12.4.0", want: []string{"warning d/bare.json:1 dashboard-v2-bare"}},
		{name: "bare-v2", version: "13.0.1", want: []string{"warning d/bare.json:1 dashboard-v2-bare", "warning d/stray.json:1 dashboard-v2-bare"}},
		{name: "bare-v2", version: "13.3.0", want: []string{"warning d/bare.json:1 dashboard-v2-bare", "warning d/stray.json:1 dashboard-v2-bare"}},
		// https://github.com/grafana/grafana/issues/126422 and https://github.com/grafana/grafana/issues/126097
		{name: "resource-folder", version: "12.4.0", want: []string{"warning d/a.json:1 dashboard-resource-folder", "warning d/b.json:1 dashboard-resource-organization"}},
		{name: "resource-folder", version: "13.1.0", want: []string{"warning d/a.json:1 dashboard-resource-folder", "warning d/b.json:1 dashboard-resource-organization"}},
		// https://github.com/grafana/grafana/issues/122663
		{name: "resource-version", version: "12.4.0", want: []string{"warning d/a.json:1 dashboard-resource-version"}},
		{name: "resource-version", version: "13.0.0"},
		// https://github.com/esnet/gdg/issues/281 and https://github.com/grafana/grafana/issues/128167
		{name: "library-panel", version: "12.4.0", says: []string{`library panel "Shared"`}},
		{name: "resource-without-name", says: []string{"metadata.name"}, never: []string{`"uid"`}},
		// One mistake is one finding: what such a file has in another place is not reported as missing as well.
		{
			name: "forms-of-others", version: "11.6.0", never: []string{"uid", "needs a title"},
			want: []string{"warning d/api.json:1 dashboard-api-form", "warning d/resource.json:1 dashboard-resource-form"},
		},
		// dashboards of linkerd2 and ingress-nginx
		{name: "inputs-filled"},
		// Grafana's own packages contain sample files with only comments.
		{name: "sample-file"},
		// public collections of dashboards
		{name: "json-beside-provider", want: []string{"warning provisioning/dashboards/x.json:1 dashboard-json"}, never: []string{".yaml or"}},
		// real plugins of the catalogue
		{name: "plugin-types", want: []string{"warning p/datasources/a.yaml:3 datasource-type", "warning p/datasources/a.yaml:4 datasource-type"}, never: []string{"did you mean"}},
	})
}

// A misspelled type gets a hint; a real plugin, from the public catalogue, does not.
func TestPluginTypes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"prometeus": "prometheus", "mysq": "mysql", "msql": "mssql", "grafana-testdata-datasorce": "grafana-testdata-datasource", "Loki": "loki", "postgresql": "grafana-postgresql-datasource",
		"opensearch": "grafana-opensearch-datasource", "grafana-clickhose-datasource": "grafana-clickhouse-datasource",
		"prometheus": "", "grafana-opensearch-datasource": "", "yesoreyeram-infinity-datasource": "", "acme-metrics-datasource": "", "grafana-acme-datasource": "", "": "",
	} {
		if got := nearestType(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Files grafana.ini from public threads that reloader once judged wrongly.
func TestFieldIni(t *testing.T) {
	t.Parallel()
	runField(t, []fieldCase{
		// https://github.com/alphagov/govuk-helm-charts/pull/4296 and https://github.com/grafana/grafana/issues/22986
		{name: "jmes-quotes", want: []string{"warning grafana.ini:3 ini-quotes-removed", "warning grafana.ini:4 ini-quotes-removed"}, says: []string{"backticks"}},
		// Grafana 13's documentation.
		{name: "keys-of-13", version: "13.3.0"},
		{name: "keys-of-13"},
		{name: "keys-of-13", version: "12.4.0", want: []string{"warning grafana.ini:1 ini-unknown-section", "warning grafana.ini:4 ini-unknown-key", "warning grafana.ini:6 ini-unknown-key"}},
	})
}

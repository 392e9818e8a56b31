package validator

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reloader/internal/finding"
	"reloader/internal/grafana"
	"reloader/internal/grafana/expand"
	"reloader/internal/grafana/validation"
	"reloader/internal/snapshot"
)

// documented is one section of docs/checks-grafana*.md:
//
//	### rule-name
//	Error. Text, whose first word is the severity that the example must give.
//	<!-- version 9.4, same-env, live -->        (what of these the example needs)
//	```yaml datasources/ds.yaml                 (or "yaml running datasources/ds.yaml": what ran before)
type documented struct {
	rule, severity string
	options        string
	now, running   map[string]string
	noExample      bool
}

var docFence = regexp.MustCompile("^```(?:yaml|json|ini) (running )?(\\S+)$")

func readDocs(t *testing.T) []documented {
	t.Helper()
	files, err := filepath.Glob("../../../docs/checks-grafana*.md")
	if err != nil || len(files) == 0 {
		t.Fatal("no documentation", err)
	}
	var out []documented
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parseDocs(t, string(b))...)
	}
	return out
}

func parseDocs(t *testing.T, text string) []documented {
	t.Helper()
	var out []documented
	var file *string
	var into map[string]string
	var name string
	for _, line := range strings.SplitAfter(text, "\n") {
		bare := strings.TrimSuffix(line, "\n")
		switch {
		case file != nil && bare == "```":
			into[name] = *file
			file = nil
		case file != nil:
			*file += line
		case strings.HasPrefix(bare, "## "):
			out = append(out, documented{})
		case strings.HasPrefix(bare, "### "):
			out = append(out, documented{rule: bare[4:], now: map[string]string{}, running: map[string]string{}})
		case len(out) == 0 || out[len(out)-1].rule == "":
		case strings.HasPrefix(bare, "<!-- no example"):
			out[len(out)-1].noExample = true
		case strings.HasPrefix(bare, "<!-- "):
			out[len(out)-1].options = bare
		case docFence.MatchString(bare):
			m := docFence.FindStringSubmatch(bare)
			into, name, file = out[len(out)-1].now, m[2], new(string)
			if m[1] != "" {
				into = out[len(out)-1].running
			}
		case out[len(out)-1].severity == "":
			out[len(out)-1].severity = strings.FieldsFunc(bare, func(r rune) bool { return r < 'A' || r > 'z' })[0]
		}
	}
	return slices.DeleteFunc(out, func(d documented) bool { return d.rule == "" })
}

const (
	docProvisioning = "/etc/grafana/provisioning"
	docDashboards   = "/var/lib/grafana/dashboards"
)

// docSet makes sources of an example's files. Dashboards without a provider file get one.
func docSet(files map[string]string) *snapshot.Set {
	dirs := map[string]map[string][]byte{}
	add := func(dir, name, content string) {
		if dirs[dir] == nil {
			dirs[dir] = map[string][]byte{}
		}
		dirs[dir][name] = []byte(content)
	}
	providers, dashboards := false, false
	for name, content := range files {
		if strings.HasPrefix(name, docDashboards+"/") {
			dashboards = true
			add(docDashboards, path.Base(name), content)
			continue
		}
		role, rest, _ := strings.Cut(name, "/")
		providers = providers || role == grafana.Dashboards
		add(role, rest, content)
	}
	if dashboards && !providers {
		add(grafana.Dashboards, "p.yaml", "apiVersion: 1\nproviders: [{name: main, updateIntervalSeconds: 30, options: {path: "+docDashboards+"}}]\n")
	}
	var snaps []*snapshot.Snapshot
	for dir, files := range dirs {
		src := snapshot.Source{Name: dir, Dir: path.Join(docProvisioning, dir)}
		if dir == docDashboards {
			src = snapshot.Source{Name: "dashboards-main", Dir: dir}
		}
		snaps = append(snaps, snapshot.FromFiles(src, files))
	}
	return snapshot.NewSet(snaps...)
}

func docLive() *validation.Live {
	l := trialLive()
	l.Datasources = []validation.Datasource{{OrgID: 1, Name: "Made by hand", UID: "hand", Default: true}}
	l.Dashboards = []validation.Dashboard{{OrgID: 1, UID: "hand", Title: "Made by hand"}}
	l.Alerting = freshAlerting(grafana.Tried)
	l.Alerting.ContactPoints = append(l.Alerting.ContactPoints, validation.LiveContactPoint{OrgID: 1, Name: "By API", UID: "by-api", Provenance: "api"})
	return l
}

// Every rule is documented, every documented rule exists, and its example triggers it, with the severity that is the first word
// of its text.
func TestDocs(t *testing.T) {
	t.Parallel()
	rules := Rules()
	docs := readDocs(t)
	var names []string
	for _, d := range docs {
		if strings.HasPrefix(d.rule, "ini-") {
			continue // package ini tests these
		}
		names = append(names, d.rule)
		t.Run(d.rule, func(t *testing.T) {
			t.Parallel()
			if !slices.Contains(rules, d.rule) {
				t.Fatal("there is no such rule")
			}
			if d.noExample {
				return
			}
			want := map[string]finding.Severity{"Error": finding.Error, "Guard": finding.Error, "Warning": finding.Warning, "Info": finding.Info}[d.severity]
			if want == 0 || len(d.now) == 0 {
				t.Fatalf("severity %q, %d files", d.severity, len(d.now))
			}
			checkExample(t, d, want)
		})
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("a rule is documented twice")
	}
	for _, r := range rules {
		if !slices.Contains(names, r) && !strings.HasPrefix(r, "ini-") {
			t.Errorf("%s is not documented", r)
		}
	}
}

func checkExample(t *testing.T, d documented, want finding.Severity) {
	facts := finding.Facts{SameEnv: strings.Contains(d.options, "same-env")}
	if m := regexp.MustCompile(`version ([\d.]+)`).FindStringSubmatch(d.options); m != nil {
		facts.Version = m[1]
	}
	if strings.Contains(d.options, "live") {
		facts.Live = docLive()
	}
	env := map[string]string{"WITH_DOLLAR": "pa$word", "ONE": "1"}
	v := New(validation.Options{
		Env:       expand.Env{LookupEnv: func(n string) (string, bool) { v, ok := env[n]; return v, ok }},
		DirExists: func(dir string) bool { return strings.HasPrefix(dir, "/var/") },
	})
	req := finding.Request{Set: docSet(d.now), Facts: facts}
	if len(d.running) > 0 {
		r, err := v.Validate(t.Context(), finding.Request{Set: docSet(d.running), Facts: facts})
		if err != nil {
			t.Fatal(err)
		}
		req.Running = r.Outline
	}
	r, err := v.Validate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range r.Findings {
		found = found || f.Rule == d.rule && f.Severity == want
		if f.File == "" || f.Line == 0 && f.Rule != ruleKindMissing && f.Rule != "file-unreadable" && !strings.HasPrefix(f.Rule, "guard-") && f.Rule != rulePluginStays && f.Rule != ruleDSPruned {
			t.Errorf("a finding without a position: %s", f)
		}
	}
	if !found {
		t.Errorf("the example does not trigger the rule as %v:\n%s", want, listed(r.Findings))
	}
	if want != finding.Error && r.Invalid() {
		t.Errorf("the example gives errors:\n%s", listed(r.Findings))
	}
	if strings.HasPrefix(d.rule, "guard-") {
		req.Allow = []string{d.rule}
		if r, err := v.Validate(t.Context(), req); err != nil || r.Invalid() {
			t.Errorf("allowed, and still an error: %v\n%s", err, listed(r.Findings))
		}
	}
}

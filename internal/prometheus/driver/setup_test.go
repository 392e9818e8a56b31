package driver_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/driver"
	"reloader/internal/prometheus/prometheustest"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// The files of the contract: the fake does with them what the real server does.
const (
	goodFile    = "global: {scrape_interval: 15s}\n"
	otherFile   = "global: {scrape_interval: 30s}\n"
	brokenFile  = "global: {scrape_interval: 15s}\nnonsense: true\n"
	brokenRules = "rule_files: [rules.yml]\n" // rules.yml does not parse: the server refuses it only while applying
	rulesFile   = "rule_files: [good.rules]\nscrape_configs: [{job_name: self, static_configs: [{targets: ['127.0.0.1:1']}]}]\n"
	goodRules   = `groups:
- {name: one, rules: [{record: "a:one", expr: "sum(up) by(x)"}]}
- {name: empty, rules: []}
- {name: two, rules: [{record: "a:two", expr: "sum(up) by(x)"}]}
`
)

// options are settings that both servers have.
type options struct {
	prefix      string
	noLifecycle bool
	certs       *prometheustest.Certs
	clientCerts bool
	password    bool // user "admin", password "right"
}

// server is a Prometheus, fake or real, that reads a directory.
type server struct {
	url string
	dir string
}

func (s server) write(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(s.dir, "prometheus.yml")
	if err := os.WriteFile(file+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func newDir(t *testing.T) server {
	t.Helper()
	s := server{dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(s.dir, "rules.yml"), []byte("groups: [{name: a, rules: [{record: a, expr: 'sum('}]}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "good.rules"), []byte(goodRules), 0o644); err != nil {
		t.Fatal(err)
	}
	s.write(t, goodFile)
	return s
}

func startFake(t *testing.T, o options) server {
	t.Helper()
	s := newDir(t)
	fo := prometheustest.Options{
		Files: func() string {
			b, err := os.ReadFile(filepath.Join(s.dir, "prometheus.yml"))
			if err != nil {
				return err.Error()
			}
			return string(b)
		},
		Load: func(text string) error {
			if strings.Contains(text, "nonsense") {
				return errors.New("parsing YAML file prometheus.yml: yaml: unmarshal errors:\n  line 2: field nonsense not found in type config.plain")
			}
			return nil
		},
		Apply: func(text string) error {
			if text == brokenRules {
				return errors.New("error loading rules")
			}
			return nil
		},
		Prefix: o.prefix, NoLifecycle: o.noLifecycle, Show: shown(s.dir), Refuse: refusal,
		Flags: map[string]string{"config.file": filepath.Join(s.dir, "prometheus.yml")},
	}
	if o.certs != nil {
		fo.TLS = o.certs.Server(t, o.clientCerts)
	}
	if o.password {
		fo.Username, fo.Password = "admin", "right"
	}
	s.url = prometheustest.New(t, fo).URL()
	return s
}

// both runs a test against the fake and against the real server.
func both(t *testing.T, name string, o options, f func(*testing.T, server)) {
	t.Run(name+"/fake", func(t *testing.T) {
		t.Parallel()
		f(t, startFake(t, o))
	})
	t.Run(name+"/real", func(t *testing.T) {
		t.Parallel()
		f(t, startReal(t, o))
	})
}

func newDriver(t *testing.T, o httpclient.Options, change ...func(*driver.Options)) *driver.Driver {
	t.Helper()
	po := driver.Options{Client: o}
	for _, c := range change {
		c(&po)
	}
	d, err := driver.New(po)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func observe(t *testing.T, d reload.Driver) reload.Observation {
	t.Helper()
	o, err := d.Observe(t.Context())
	if err != nil || !o.Ready {
		t.Fatalf("Observe: ready %v, reason %q, error %v", o.Ready, o.Reason, err)
	}
	return o
}

// planFor reads the server's directory and returns the plan for the first change after a start.
func planFor(t *testing.T, d reload.Driver, s server) reload.Plan {
	t.Helper()
	snap, err := snapshot.Take(t.Context(), snapshot.Source{Name: "config", Dir: s.dir}, snapshot.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	set := snapshot.NewSet(snap)
	p, err := d.Plan(t.Context(), reload.Change{New: set, Contents: true, Expected: expected(t, set)})
	if err != nil || len(p.Calls) != 1 {
		t.Fatalf("Plan: %+v, %v", p, err)
	}
	return p
}

func wantClass(t *testing.T, err error, class reload.Class, words ...string) {
	t.Helper()
	_ = failure(t, err, class, words...)
}

// failure checks an error's class and what it mentions, and returns it for further checks.
func failure(t *testing.T, err error, class reload.Class, words ...string) *reload.Failure {
	t.Helper()
	var f *reload.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error %v, want a failure of class %s", err, class)
	}
	if f.Class != class {
		t.Errorf("class %s, want %s: %v", f.Class, class, f)
	}
	all := f.Message + " " + f.Hint + " " + f.Body
	for _, w := range words {
		if !strings.Contains(all, w) {
			t.Errorf("failure %q does not mention %q", all, w)
		}
	}
	return f
}

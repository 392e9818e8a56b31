package driver_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/driver"
	"reloader/internal/prometheus/prometheustest"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// The files of the contract: what the fake is told about them is what the real server does with them.
const (
	goodFile    = "global: {scrape_interval: 15s}\n"
	otherFile   = "global: {scrape_interval: 30s}\n"
	brokenFile  = "global: {scrape_interval: 15s}\nnonsense: true\n"
	brokenRules = "rule_files: [rules.yml]\n" // rules.yml does not parse: refused only while applying
	rulesFile   = "rule_files: [good.rules]\nscrape_configs: [{job_name: self, static_configs: [{targets: ['127.0.0.1:1']}]}]\n"
	goodRules   = `groups:
- {name: one, rules: [{record: "a:one", expr: "sum(up) by(x)"}]}
- {name: empty, rules: []}
- {name: two, rules: [{record: "a:two", expr: "sum(up) by(x)"}]}
`
)

// options are what both servers can be asked for.
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
		Prefix: o.prefix, NoLifecycle: o.noLifecycle, Show: shown(s.dir),
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

// planFor reads the server's directory and asks for the plan of a start.
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

// failure checks an error's class and what it mentions, and returns it for more.
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

func TestContractReload(t *testing.T) {
	t.Parallel()
	both(t, "reload", options{}, func(t *testing.T, s server) {
		d := newDriver(t, httpclient.Options{URL: s.url})
		before := observe(t, d)
		if before.Facts.Agent || before.Facts.Features == nil || before.Epoch == "" || before.Load == "" {
			t.Errorf("observation %+v", before)
		}
		s.write(t, otherFile)
		p := planFor(t, d, s)
		if v, err := d.Confirm(t.Context(), p, reload.Proof{Before: before}); err != nil || v.Proven {
			t.Errorf("a change just now counts as loaded: %+v, %v", v, err)
		}
		if err := d.Reload(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		v, err := d.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: before})
		if err != nil || !v.Proven || v.After.Epoch != before.Epoch {
			t.Errorf("Confirm: %+v, %v", v, err)
		}

		s.write(t, brokenFile)
		f := failure(t, d.Reload(t.Context(), p), reload.ClassRefused, "keeps its old configuration", "field nonsense not found", "line 2")
		if !f.Untouched || !f.Refused() || f.Permanent {
			t.Errorf("failure %+v", f)
		}
		after := observe(t, d)
		if after.Load == v.After.Load || after.Epoch != before.Epoch {
			t.Errorf("after a refused load: %+v, before %+v", after, v.After)
		}
		if v, err := d.Confirm(t.Context(), p, reload.Proof{Before: after}); err != nil || v.Proven || !strings.Contains(v.Reason, "failed") {
			t.Errorf("after a refused load: %+v, %v", v, err)
		}

		s.write(t, brokenRules)
		f = failure(t, d.Reload(t.Context(), p), reload.ClassPartial, "in part only", "log")
		if f.Untouched || !f.Refused() {
			t.Errorf("failure %+v", f)
		}

		s.write(t, goodFile)
		before, p = observe(t, d), planFor(t, d, s)
		if err := d.Reload(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if v, err := d.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: before}); err != nil || !v.Proven {
			t.Errorf("Confirm: %+v, %v", v, err)
		}
	})
}

// TestContractShown holds what the fake shows against what the real server does: the configuration as it is printed, the
// scrape pools, and the rule groups whole, by file and in pages.
func TestContractShown(t *testing.T) {
	t.Parallel()
	both(t, "shown", options{}, func(t *testing.T, s server) {
		get := func(path string) (answer struct {
			Status string
			Data   struct {
				YAML           string
				ScrapePools    []string
				GroupNextToken string
				Groups         []prometheustest.Group
			}
		}) {
			t.Helper()
			if err := rig.GetJSON(t, s.url+path, &answer); err != nil {
				t.Fatal(err)
			}
			return answer
		}
		for _, text := range []string{goodFile, otherFile, rulesFile} {
			s.write(t, text)
			d := newDriver(t, httpclient.Options{URL: s.url})
			observe(t, d)
			if err := d.Reload(t.Context(), planFor(t, d, s)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(shown(s.dir)(text).YAML, get("/api/v1/status/config").Data.YAML); diff != "" {
				t.Errorf("%q is shown as\n%s", text, diff)
			}
		}
		want := shown(s.dir)(rulesFile)
		rig.Eventually(t, "pools", func() error {
			if got := get("/api/v1/scrape_pools").Data.ScrapePools; !slices.Equal(got, want.Pools) {
				return fmt.Errorf("scrape pools %q", got)
			}
			return nil
		})
		healthy := func(groups []prometheustest.Group) []prometheustest.Group {
			for i := range groups {
				for k := range groups[i].Rules {
					groups[i].Rules[k].Health = "unknown" // until it is evaluated
				}
			}
			return groups
		}
		all := get("/api/v1/rules?exclude_alerts=true")
		if diff := cmp.Diff(want.Groups, healthy(all.Data.Groups)); diff != "" || all.Data.GroupNextToken != "" {
			t.Errorf("all groups, next token %q:\n%s", all.Data.GroupNextToken, diff)
		}
		page := get("/api/v1/rules?group_limit=1")
		if diff := cmp.Diff(want.Groups[:1], healthy(page.Data.Groups)); diff != "" || page.Data.GroupNextToken == "" {
			t.Errorf("the first page, next token %q:\n%s", page.Data.GroupNextToken, diff)
		}
		page = get("/api/v1/rules?group_limit=1&group_next_token=" + page.Data.GroupNextToken)
		if diff := cmp.Diff(want.Groups[1:], healthy(page.Data.Groups)); diff != "" || page.Data.GroupNextToken != "" {
			t.Errorf("the second page, next token %q:\n%s", page.Data.GroupNextToken, diff)
		}
		if got := get("/api/v1/rules?file[]=" + filepath.Join(s.dir, "other.rules")).Data.Groups; len(got) != 0 {
			t.Errorf("groups of a file that is not loaded: %+v", got)
		}
		if status, _, err := rig.Fetch(t, s.url+"/api/v1/rules?group_limit=1&group_next_token=nonsense"); err != nil || status != http.StatusBadRequest {
			t.Errorf("an unknown token: %d, %v", status, err)
		}
	})
}

func TestContractAnswers(t *testing.T) {
	t.Parallel()
	both(t, "lifecycle off", options{noLifecycle: true}, func(t *testing.T, s server) {
		d := newDriver(t, httpclient.Options{URL: s.url})
		observe(t, d)
		f := failure(t, d.Reload(t.Context(), planFor(t, d, s)), reload.ClassDisabled, "--web.enable-lifecycle", "signal")
		if !f.Permanent || !f.Untouched {
			t.Errorf("failure %+v", f)
		}
	})
	both(t, "prefix", options{prefix: "/prom"}, func(t *testing.T, s server) {
		d := newDriver(t, httpclient.Options{URL: s.url + "/"}) // a slash at the end does no harm
		observe(t, d)
		if err := d.Reload(t.Context(), planFor(t, d, s)); err != nil {
			t.Error(err)
		}
		wrong := newDriver(t, httpclient.Options{URL: strings.TrimSuffix(s.url, "/prom")})
		_, err := wrong.Observe(t.Context())
		if f := failure(t, err, reload.ClassNotFound, "--web.route-prefix"); !f.Permanent {
			t.Errorf("failure %+v", f)
		}
		wantClass(t, wrong.Reload(t.Context(), planFor(t, wrong, s)), reload.ClassNotFound)
	})
	both(t, "method", options{}, func(t *testing.T, s server) {
		c, err := httpclient.New(httpclient.Options{URL: s.url})
		if err != nil {
			t.Fatal(err)
		}
		a, f := c.Do(t.Context(), http.MethodGet, "/-/reload", time.Minute)
		if f != nil || a.Status != http.StatusMethodNotAllowed {
			t.Fatalf("GET /-/reload: %+v %v", a, f)
		}
		wantClass(t, c.Classify(http.MethodGet, "/-/reload", a), reload.ClassMethod)
	})
	both(t, "password", options{password: true}, func(t *testing.T, s server) {
		file := filepath.Join(t.TempDir(), "password")
		set := func(p string) {
			if err := os.WriteFile(file, []byte(p), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := newDriver(t, httpclient.Options{URL: s.url}).Observe(t.Context())
		wantClass(t, err, reload.ClassUnauthorized, "wants credentials")

		set("hunter2-wrong")
		d := newDriver(t, httpclient.Options{URL: s.url, Username: "admin", PasswordFile: file})
		_, err = d.Observe(t.Context())
		if f := failure(t, err, reload.ClassUnauthorized, "does not accept"); strings.Contains(f.Error()+f.Body, "hunter2") {
			t.Errorf("the password is in %+v", f)
		}
		set("right\n")
		observe(t, d)
		if err := d.Reload(t.Context(), planFor(t, d, s)); err != nil {
			t.Error(err)
		}
	})
	both(t, "https to a plain port", options{}, func(t *testing.T, s server) {
		_, err := newDriver(t, httpclient.Options{URL: strings.Replace(s.url, "http:", "https:", 1)}).Observe(t.Context())
		wantClass(t, err, reload.ClassScheme, "http://")
	})
}

func TestContractTLS(t *testing.T) {
	t.Parallel()
	certs := prometheustest.NewCerts(t, false)
	good := httpclient.Options{CAFile: certs.CA, ServerName: certs.ServerName, CertFile: certs.ClientCert, KeyFile: certs.ClientKey}
	cases := []struct {
		name   string
		change func(*httpclient.Options)
		class  reload.Class
		words  string
	}{
		{"good", func(*httpclient.Options) {}, "", ""},
		{"no CA", func(o *httpclient.Options) { o.CAFile = "" }, reload.ClassTLS, "CA"},
		{"wrong name", func(o *httpclient.Options) { o.ServerName = "" }, reload.ClassTLS, "name"},
		{"no client certificate", func(o *httpclient.Options) { o.CertFile, o.KeyFile = "", "" }, reload.ClassTLS, "client certificate"},
		{"plain HTTP", func(o *httpclient.Options) { o.URL = strings.Replace(o.URL, "https:", "http:", 1) }, reload.ClassScheme, "https://"},
		{"CA file that is none", func(o *httpclient.Options) { o.CAFile = certs.ClientKey }, reload.ClassLocal, "PEM"},
		{"missing CA file", func(o *httpclient.Options) { o.CAFile += ".gone" }, reload.ClassLocal, "mount"},
	}
	both(t, "tls", options{certs: &certs, clientCerts: true}, func(t *testing.T, s server) {
		for _, c := range cases {
			o := good
			o.URL = s.url
			c.change(&o)
			d := newDriver(t, o)
			_, err := d.Observe(t.Context())
			if c.class == "" {
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
				if err := d.Reload(t.Context(), planFor(t, d, s)); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
				continue
			}
			if f := failure(t, err, c.class, c.words); !f.Permanent {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
	})
}

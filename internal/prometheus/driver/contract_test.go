package driver_test

import (
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
	"reloader/internal/prometheus/prometheustest"
	"reloader/internal/reload"
	"reloader/test/rig"
)

// A reload proves a change. A refused load leaves the old configuration in place, one with broken rules applies only part, and the
// failures say so. A change that was not loaded is never proven. The fake does the same as the real server.
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
		f = failure(t, d.Reload(t.Context(), p), reload.ClassPartial, "applied only part", "log")
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

// The fake shows what the real server shows: the configuration as it is printed, the scrape pools, and the rule groups at once, by
// file and in pages.
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
					groups[i].Rules[k].Health = "unknown" // its value before the first evaluation
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

// The fake and the real server give the same answers to mistakes: no lifecycle API, a wrong prefix, method, password or scheme.
// Each gets its class and a hint, and no answer repeats the password.
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
		wantClass(t, err, reload.ClassUnauthorized, "requires credentials")

		set("hunter2-wrong")
		d := newDriver(t, httpclient.Options{URL: s.url, Username: "admin", PasswordFile: file})
		_, err = d.Observe(t.Context())
		if f := failure(t, err, reload.ClassUnauthorized, "does not accept"); strings.Contains(f.Error()+f.Body, "hunter2") {
			t.Errorf("the password is shown: %+v", f)
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

// Each mistake in the TLS settings gets its class and a hint that names what to mend, against the fake and the real server.
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
		{"CA file with a key", func(o *httpclient.Options) { o.CAFile = certs.ClientKey }, reload.ClassLocal, "PEM"},
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

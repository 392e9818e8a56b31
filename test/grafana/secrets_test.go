package grafana

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/grafana/grafanatest"
	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// mark is in every secret and nowhere else.
const mark = "MARKEDSECRET"

// secretDatasources have a secret in every place that can have one. damage is added to get findings.
func secretDatasources(damage string) map[string]string {
	return map[string]string{"ds.yaml": `apiVersion: 1
datasources:
  - name: Prometheus
    uid: prom
    type: prometheus
    url: http://user:` + mark + `@127.0.0.1:9090
    basicAuth: true
    basicAuthUser: ` + mark + `user
    password: ` + mark + `
    basicAuthPassword: ` + mark + `
    jsonData:
      httpHeaderName1: X-Token
      token: ` + mark + `json
    secureJsonData:
      basicAuthPassword: ` + mark + `$cut
      httpHeaderValue1: Bearer ` + mark + `
      password: ${` + mark + `_VARIABLE}
` + damage}
}

func secretContacts(damage string) map[string]string {
	return map[string]string{"cp.yaml": `apiVersion: 1
contactPoints:
  - name: Hook
    receivers:
      - uid: hook
        type: webhook
        settings:
          url: http://user:` + mark + `@127.0.0.1:1/
          password: ` + mark + `
          authorization_credentials: ` + mark + `
      - uid: slack
        type: slack
        settings:
          url: https://hooks.example.com/services/` + mark + `
` + damage}
}

const secretIni = "[security]\nadmin_password = " + mark + "#cut\nsecret_key = " + mark + "\n[database]\npassword = `" + mark + "`\nurl = mysql://user:" + mark + "@db:3306/grafana\n" +
	"[smtp]\npassword = \"" + mark + ";cut\"\n[auth.generic_oauth]\nclient_secret = " + mark + "\n[users]\ndefault_theme = " + mark + "theme\n"

// No secret appears in a log line, metric, status, page or error, whatever happens to the files, the server or the password.
func TestSecrets(t *testing.T) {
	t.Setenv(mark+"_VARIABLE", mark+"value")
	password := mark + "password"
	w := newWorld(t, grafanatest.Options{Password: password})
	ds, cp := w.mount("datasources", secretDatasources("")), w.mount("alerting", secretContacts(""))
	dir := filepath.Join(t.TempDir(), "grafana")
	ini := volume.New(t, dir, map[string]string{"grafana.ini": secretIni})
	d := w.start("--grafana-ini", filepath.Join(dir, "grafana.ini"))
	var seen strings.Builder
	look := func(when string) {
		t.Helper()
		for _, path := range []string{"/", "/metrics", "/api/v1/status", "/healthz", "/readyz"} {
			_, body, err := rig.Fetch(t, d.URL+path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(body, mark) {
				t.Errorf("%s: a secret is in %s:\n%s", when, path, around(body))
			}
			seen.WriteString(body)
		}
	}
	s := d.inSync(1)
	if len(s.Findings) == 0 || len(s.RestartRequired) == 0 {
		t.Errorf("findings %v, waiting %v: the test has too few secrets in use", s.Findings, s.RestartRequired)
	}
	look("in sync")

	// The proof and then the reload fail, so the server's own words are shown.
	w.fake.SetFaults(grafanatest.Faults{Ignore: true})
	ds.Swap(map[string]string{"ds.yaml": strings.ReplaceAll(secretDatasources("")["ds.yaml"], "9090", mark)})
	d.Reaches("the proof fails", func(s reload.Status) bool { return s.Failure != nil })
	look("not proven")
	w.fake.SetFaults(grafanatest.Faults{Locked: 1000})
	d.Reaches("the reload fails", func(s reload.Status) bool { return s.Failure != nil && s.Failure.Class == reload.ClassPartial })
	look("refused")
	w.fake.SetFaults(grafanatest.Faults{})

	// Files of every kind are broken, with a secret on the broken line.
	ds.Swap(secretDatasources("    isDefault: " + mark + "\n    passwort: " + mark + "\n"))
	d.Reaches("the data sources are refused", func(s reload.Status) bool { return s.Phase == reload.Rejected })
	look("broken value")
	ds.Swap(secretDatasources("  " + mark + ": [\n"))
	cp.Swap(secretContacts("          " + mark + ": : " + mark + "\n"))
	ini.Swap(map[string]string{"grafana.ini": secretIni + mark + " without a sign\n"})
	d.Reaches("three files are refused", func(s reload.Status) bool {
		files := map[string]bool{}
		for _, f := range s.Findings {
			files[f.File] = true
		}
		return s.Phase == reload.Rejected && len(files) >= 3
	})
	look("broken syntax")
	for _, format := range []string{"text", "json", "github"} {
		o := rig.Command(t, "check", "--format", format, "--grafana-provisioning", w.provisioning, "--grafana-ini", filepath.Join(dir, "grafana.ini"))
		out := o.Stdout + o.Stderr
		if !strings.Contains(out, "ds.yaml") || strings.Contains(out, mark) {
			t.Errorf("check --format %s:\n%s", format, out)
		}
	}

	// A wrong password, then no password file.
	ds.Swap(secretDatasources(""))
	cp.Swap(secretContacts(""))
	ini.Swap(map[string]string{"grafana.ini": secretIni})
	w.setPassword(mark + "wrong")
	ds.Swap(secretDatasources("    editable: true\n"))
	d.Reaches("the password is refused", func(s reload.Status) bool {
		return s.Failure != nil && s.Failure.Class == reload.ClassUnauthorized
	})
	look("wrong password")
	if err := os.Remove(w.password); err != nil {
		t.Fatal(err)
	}
	d.Reaches("the password file is gone", func(s reload.Status) bool {
		return s.Failure != nil && s.Failure.Class == reload.ClassLocal
	})
	look("no password")
	if log := d.Log.String(); log == "" || strings.Contains(log, mark) {
		t.Errorf("a secret is in the log:\n%s", around(log))
	}
	if !strings.Contains(seen.String(), "ds.yaml") {
		t.Error("the pages name no file, so the test checked nothing")
	}
}

// around returns the lines with a secret.
func around(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, mark) {
			out.WriteString(line)
		}
	}
	return out.String()
}

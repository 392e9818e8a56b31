package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update writes the expected outputs instead of comparing (make golden).
var update = os.Getenv("RELOADER_UPDATE") != ""

func options() Options { return Options{Image: "reloader:test"} }

// everything has each option for the direct mode.
func everything() Options {
	o := options()
	o.FastPropagation, o.Events = true, true
	return o
}

func gated() Options {
	o := options()
	o.Gated = true
	return o
}

// golden compares a text with a file, or writes the file if update is set.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(pattern)
	if err != nil || len(list) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return list
}

// The change and the explanations for each manifest in testdata/ok are those of its golden files, in each mode. A second inject
// changes nothing.
func TestInject(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/ok/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for name, o := range map[string]Options{"": options(), "-all": everything(), "-gated": gated()} {
				res, err := Inject(src, o)
				if err != nil {
					t.Fatal(err)
				}
				var b strings.Builder
				b.Write(Diff("before", src, "after", res.Output))
				for _, n := range res.Notes {
					fmt.Fprintf(&b, "line %d warning=%v %s, %q: %s\n", n.Line, n.Warning, n.Workload, n.About, n.Text)
				}
				golden(t, strings.TrimSuffix(file, ".yaml")+name+".golden", b.String())
				again, err := Inject(res.Output, o)
				if err != nil {
					t.Fatal("a second time:", err)
				}
				if !bytes.Equal(again.Output, res.Output) {
					t.Errorf("a second inject changes it:\n%s", Diff("once", res.Output, "twice", again.Output))
				}
			}
		})
	}
}

// Each manifest in testdata/err is refused with the message of its golden file.
func TestRefuse(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/err/*.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			res, err := Inject(src, options())
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("want an Error, got %v", err)
			}
			if res.Output != nil {
				t.Error("there is an output in addition to the error")
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", fmt.Sprintf("%s\nhint: %s\n", err, e.Hint))
		})
	}
}

// monitor is the manifest that people run.
func monitor(t *testing.T) []byte {
	t.Helper()
	src, err := os.ReadFile("testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// Only lines of the removed subPath mounts are gone from the input. All other lines keep their bytes.
func TestUntouchedLines(t *testing.T) {
	t.Parallel()
	src := monitor(t)
	res, err := Inject(src, options())
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]int{}
	for line := range strings.Lines(string(res.Output)) {
		have[line]++
	}
	var gone []string
	for line := range strings.Lines(string(src)) {
		if have[line]--; have[line] < 0 {
			gone = append(gone, strings.TrimSpace(line))
		}
	}
	want := []string{
		"- mountPath: /etc/prometheus/prometheus.yml", "subPath: prometheus.yml",
		"- mountPath: /etc/grafana/grafana.ini", "subPath: grafana.ini",
		"- mountPath: /etc/grafana/provisioning/datasources/datasource.yaml", "subPath: datasource.yaml",
	}
	if d := cmp.Diff(want, gone); d != "" {
		t.Errorf("lines that are gone (-want +got):\n%s", d)
	}
}

// A file with CRLF line ends keeps them, and the added lines have them too.
func TestLineEndings(t *testing.T) {
	t.Parallel()
	src := monitor(t)
	unix, err := Inject(src, everything())
	if err != nil {
		t.Fatal(err)
	}
	dos, err := Inject(bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n")), everything())
	if err != nil {
		t.Fatal(err)
	}
	if want := bytes.ReplaceAll(unix.Output, []byte("\n"), []byte("\r\n")); !bytes.Equal(want, dos.Output) {
		t.Errorf("CRLF:\n%s", Diff("want", want, "got", dos.Output))
	}
}

// A byte order mark and non-ASCII text before an edited place do not shift the edit.
func TestCharacters(t *testing.T) {
	t.Parallel()
	const manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: \"größe\", labels: {\"naïve\": \"日本\"}}\nspec:\n  containers:\n" +
		"  - {name: prometheus, image: \"prom/prometheus\", env: [{name: X, value: \"日本語, [kept]\"}], volumeMounts: [{name: \"日\", mountPath: /etc/prometheus/prometheus.yml, subPath: prometheus.yml}]}\n" +
		"  volumes: [{name: \"日\", configMap: {name: c}}]\n"
	for _, src := range []string{manifest, "\xef\xbb\xbf" + manifest} {
		res, err := Inject([]byte(src), options())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`{name: "日", mountPath: /etc/prometheus}`, `"日本語, [kept]"`, `args: ["--config.file=`} {
			if !strings.Contains(string(res.Output), want) {
				t.Errorf("no %s in\n%s", want, res.Output)
			}
		}
	}
}

// JSON stays valid JSON, so that kubectl reads it.
func TestJSON(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/ok/json.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{options(), gated()} {
		res, err := Inject(src, o)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(src) || !json.Valid(res.Output) {
			t.Errorf("no JSON:\n%s", res.Output)
		}
	}
	// If a Role follows, a separator at the top makes kubectl read all of it as YAML.
	res, err := Inject(src, everything())
	if err != nil {
		t.Fatal(err)
	}
	if want := "---\n{\"apiVersion\""; !strings.HasPrefix(string(res.Output), want) {
		t.Errorf("want %s first:\n%s", want, res.Output)
	}
}

// Several elements can be added to an empty list, in YAML and in JSON.
func TestEmptyList(t *testing.T) {
	t.Parallel()
	for want, src := range map[string]string{
		`args: ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus", "--web.enable-lifecycle"]`: "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n" +
			"  containers:\n  - name: prometheus\n    image: prom/prometheus:v3.16.0\n    args: []\n    volumeMounts:\n    - {name: c, mountPath: /etc/prometheus}\n  volumes:\n  - {name: c, configMap: {name: c}}\n",
		`"volumes": [{"name": "grafana-gate", "emptyDir": {}}, {"name": "reloader-no-token", "emptyDir": {}}]`: `{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "g"}, "spec": ` +
			`{"template": {"spec": {"containers": [{"name": "grafana", "image": "grafana/grafana:12.4.0", "volumeMounts": [{"name": "p", "mountPath": "/etc/grafana/provisioning"}]}], "volumes": []}}, ` +
			`"volumeClaimTemplates": [{"metadata": {"name": "p"}}]}}`,
	} {
		res, err := Inject([]byte(src), gated())
		if err != nil || !strings.Contains(string(res.Output), want) {
			t.Errorf("want %s, got %v\n%s", want, err, res.Output)
		}
	}
}

// The sidecar gets the password from the same Secret as Grafana: the last one that has the key.
func TestLastSecret(t *testing.T) {
	t.Parallel()
	src := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: grafana\n    image: grafana/grafana:12.4.0\n    envFrom: [{secretRef: {name: old}}, {secretRef: {name: new}}]\n" +
		"    volumeMounts:\n    - {name: c, mountPath: /etc/grafana/provisioning/datasources}\n  volumes:\n  - {name: c, configMap: {name: c}}\n"
	for _, name := range []string{"old", "new"} {
		src += "---\napiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\nstringData: {GF_SECURITY_ADMIN_PASSWORD: not-shown}\n"
	}
	res, err := Inject([]byte(src), options())
	if err != nil || !regexp.MustCompile(`secretKeyRef:\s+name: new\s+key: GF_SECURITY_ADMIN_PASSWORD`).Match(res.Output) {
		t.Errorf("%v\n%s", err, res.Output)
	}
}

// A container that inject does not recognize is found by the name that the user gives.
func TestNamedContainer(t *testing.T) {
	t.Parallel()
	src := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: tsdb\n    image: example.com/our/tsdb\n" +
		"    volumeMounts:\n    - {name: c, mountPath: /etc/prometheus}\n  volumes:\n  - {name: c, configMap: {name: c}}\n"
	if _, err := Inject([]byte(src), options()); err == nil {
		t.Fatal("found without a name")
	}
	o := options()
	// A name that no container has is an error.
	o.PrometheusContainer = "tsbd"
	if _, err := Inject([]byte(src), o); err == nil || err.Error() != "line 1: no container tsbd found in Pod/p (containers: tsdb of image example.com/our/tsdb)" {
		t.Errorf("a wrong name: %v", err)
	}
	o.PrometheusContainer = "tsdb"
	res, err := Inject([]byte(src), o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(res.Output), "--prometheus-url=http://127.0.0.1:9090") {
		t.Errorf("no target in\n%s", res.Output)
	}
}

// No note and no error repeats the value of a variable, of a ConfigMap or of a Secret.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	const src = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: grafana
    image: grafana/grafana:12.4.0
    env: [{name: GF_SECURITY_ADMIN_PASSWORD, value: not-shown}, {name: GF_SERVER_ROOT_URL, value: 'http://u:not-shown@h/'}]
    envFrom: [{secretRef: {name: s}}]
    volumeMounts:
    - {name: i, mountPath: /etc/grafana/grafana.ini, subPath: grafana.ini}
    - {name: d, mountPath: /etc/grafana/provisioning/datasources}
  volumes:
  - {name: i, configMap: {name: i}}
  - {name: d, secret: {secretName: s}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: i}
data: {grafana.ini: "[security]\nadmin_password = not-shown\n[database]\nurl = mysql://u:not-shown@h/\n"}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {GF_SECURITY_ADMIN_USER: not-shown, a.yaml: "datasources: [{name: a, password: not-shown"}
`
	for _, o := range []Options{options(), gated(), everything()} {
		res, err := Inject([]byte(src), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Notes) < 4 {
			t.Errorf("only %d notes", len(res.Notes))
		}
		for _, n := range res.Notes {
			if strings.Contains(n.Text+n.About+n.Workload, "not-shown") {
				t.Errorf("a note repeats a secret: %s", n.Text)
			}
		}
	}
	for name, bad := range map[string]string{
		"no server":   strings.NewReplacer("grafana/grafana:12.4.0", "nginx", "name: grafana\n", "name: web\n").Replace(src),
		"not YAML":    strings.Replace(src, "value: not-shown}", "value: not-shown", 1),
		"two of them": strings.Replace(src, "    env:", "    env: []\n    env:", 1),
	} {
		_, err := Inject([]byte(bad), options())
		var e *Error
		if !errors.As(err, &e) || strings.Contains(err.Error()+e.Hint, "not-shown") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

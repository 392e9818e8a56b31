package outscale

import (
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/discovery"
	prom "github.com/prometheus/prometheus/discovery/outscale"
	"go.yaml.in/yaml/v2"
)

// The entries have the fields, defaults, paths, name and refusals of Prometheus' own package, word for word.
func TestAsPrometheus(t *testing.T) {
	t.Parallel()
	ours, theirs := reflect.TypeFor[Settings](), reflect.TypeFor[prom.SDConfig]()
	if ours.NumField() != theirs.NumField() {
		t.Fatalf("%d fields, Prometheus has %d", ours.NumField(), theirs.NumField())
	}
	for i := range theirs.NumField() {
		a, b := ours.Field(i), theirs.Field(i)
		if a.Name != b.Name || a.Type != b.Type || a.Tag != b.Tag {
			t.Errorf("field %v, Prometheus has %v", a, b)
		}
	}
	var _ discovery.Config = &Settings{}
	if a, b := (Settings{}).Name(), (prom.SDConfig{}).Name(); a != b {
		t.Errorf("name %q, Prometheus has %q", a, b)
	}
	good := 0
	for _, region := range []string{"", "region: ''", "region: us"} {
		for _, access := range []string{"", "access_key: a"} {
			for _, secret := range []string{"", "secret_key: s", "secret_key_file: f/g", "secret_key: s\nsecret_key_file: f"} {
				for _, more := range []string{
					"", "port: 1", "port: x", "refresh_interval: 0s", "refresh_interval: 5m", "endpoint: http://x/y", "unknown: 1", "basic_auth: {username: u}",
					"basic_auth: {username: u}\nauthorization: {credentials: c}", "tls_config: {ca_file: ca.pem}", "follow_redirects: false", "[", "- 1",
				} {
					text := strings.Join([]string{region, access, secret, more}, "\n")
					var a Settings
					var b prom.SDConfig
					errA, errB := yaml.UnmarshalStrict([]byte(text), &a), yaml.UnmarshalStrict([]byte(text), &b)
					wordsA, wordsB := words(errA), words(errB)
					if wordsA != wordsB {
						t.Errorf("%q: %q, Prometheus says %q", text, wordsA, wordsB)
						continue
					}
					if errA != nil {
						continue
					}
					good++
					a.SetDirectory("/etc/p")
					b.SetDirectory("/etc/p")
					outA, _ := yaml.Marshal(&a)
					outB, _ := yaml.Marshal(&b)
					if string(outA) != string(outB) {
						t.Errorf("%q:\n%s\nPrometheus shows\n%s", text, outA, outB)
					}
				}
			}
		}
	}
	if good < 10 {
		t.Errorf("only %d good ones", good)
	}
}

// words are what an error says; none for none.
func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The judge knows every kind of discovery that a server knows: what the library installs, and this one in place of its own.
func TestAllKinds(t *testing.T) {
	t.Parallel()
	imports := func(pkg string) (kinds []string) {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Imports "\n"}}`, pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.FieldsSeq(string(out)) {
			if strings.Contains(line, "/discovery/") && !strings.HasSuffix(line, "/targetgroup") {
				kinds = append(kinds, line)
			}
		}
		return kinds
	}
	installed := slices.DeleteFunc(imports("github.com/prometheus/prometheus/discovery/install"), func(k string) bool { return strings.HasSuffix(k, "/outscale") })
	if judged := imports("reloader/internal/prometheus/judge"); !slices.Equal(judged, installed) || len(judged) < 20 {
		t.Errorf("the judge knows %v\nthe library installs %v", judged, installed)
	}
}

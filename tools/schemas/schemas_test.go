// Package schemas checks what other programs read from this repository with their public schemas and types. It is a module of its
// own, so that reloader does not depend on these; `make lint` runs it.
package schemas

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	flux "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const (
	root  = "../.."
	sarif = "sarif-2.1.0"
)

// schema compiles a schema of testdata, which must not refer to another document.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	file := filepath.Join("testdata", name+".json")
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(read(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// value decodes a JSON or YAML document for the validator.
func value(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	v, err = jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Each file is valid by the public schema of the program that reads it. With a mistake it is not, so the schema really checks
// that part of the file.
func TestSchemas(t *testing.T) {
	for _, c := range []struct{ schema, file, old, broken string }{
		{sarif, "internal/finding/testdata/report.sarif", `"startLine": 2`, `"startLine": 0`},
		{sarif, "internal/finding/testdata/report.sarif", `"level": "note"`, `"level": "info"`},
		{sarif, "internal/finding/testdata/report.sarif", `"uri": "file:///abs/a%20b.yml"`, `"uri": "%zz"`},
		{sarif, "internal/finding/testdata/report.sarif", `"ruleId"`, `"rule"`},
		{sarif, "internal/finding/testdata/report.sarif", `"version": "2.1.0"`, `"version": "2.1"`},
		{"github-action", "action.yml", "using: composite", "using: compose"},
		{"github-action", "action.yml", "      shell: bash\n", ""},
		{"github-action", "action.yml", "icon: check-circle", "icon: tick"},
		{"pre-commit-hooks", ".pre-commit-hooks.yaml", "pass_filenames: false", "pass_filenames: never"},
		{"pre-commit-hooks", ".pre-commit-hooks.yaml", "  entry: reloader check\n", ""},
	} {
		text := read(t, filepath.Join(root, c.file))
		s := schema(t, c.schema)
		if err := s.Validate(value(t, text)); err != nil {
			t.Errorf("%s: %v", c.file, err)
		}
		if !bytes.Contains(text, []byte(c.old)) {
			t.Errorf("%s has no %q", c.file, c.old)
		}
		broken := bytes.ReplaceAll(text, []byte(c.old), []byte(c.broken))
		if err := s.Validate(value(t, broken)); err == nil {
			t.Errorf("%s with %q: no error", c.file, c.broken)
		}
	}
}

// The program writes valid SARIF for many findings, for none, and when it could not judge.
func TestWrittenSARIF(t *testing.T) {
	program := filepath.Join(t.TempDir(), "reloader")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/reloader")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for path, want := range map[string][]string{
		"internal/check/testdata/manifests": {"startColumn", `"level": "note"`, `"level": "warning"`, `"level": "error"`, "toolExecutionNotifications"},
		"examples/grafana/provisioning":     {`"executionSuccessful": true`},
		"go.mod":                            {`"executionSuccessful": false`},
	} {
		cmd := exec.CommandContext(t.Context(), program, "check", "--format=sarif", "--promcheck=/nowhere", path)
		cmd.Dir = root
		out, err := cmd.Output()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		for _, want := range want {
			if !bytes.Contains(out, []byte(want)) {
				t.Errorf("%s: the report lacks %s", path, want)
			}
		}
		if err := schema(t, sarif).Validate(value(t, out)); err != nil {
			t.Errorf("%s: %v\n%.2000s", path, err, out)
		}
	}
}

// The Flux object in docs/ci.md has only fields that Flux' own type has, and those that the recipe depends on.
func TestFluxRecipe(t *testing.T) {
	page := string(read(t, root+"/docs/ci.md"))
	found := false
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(block[1], "kustomize.toolkit.fluxcd.io/v1\n") {
			continue
		}
		found = true
		b, err := json.Marshal(value(t, []byte(block[1])))
		if err != nil {
			t.Fatal(err)
		}
		strict := func(b []byte) (k flux.Kustomization, err error) {
			dec := json.NewDecoder(bytes.NewReader(b))
			dec.DisallowUnknownFields()
			return k, dec.Decode(&k)
		}
		k, err := strict(b)
		if err != nil {
			t.Fatal(err)
		}
		if k.APIVersion != flux.GroupVersion.String() || k.Kind != flux.KustomizationKind || !k.Spec.Wait || k.Spec.Timeout == nil || k.Spec.SourceRef.Name == "" {
			t.Errorf("%+v", k)
		}
		if _, err := strict(bytes.Replace(b, []byte(`"wait"`), []byte(`"waits"`), 1)); err == nil {
			t.Error("an unknown field is no error")
		}
	}
	if !found {
		t.Error("docs/ci.md has no object of Flux")
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

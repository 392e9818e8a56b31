package settings

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	_ "github.com/prometheus/prometheus/discovery/install"
	"go.yaml.in/yaml/v2"
)

// module is the directory with the library's source, and its version.
func module(t *testing.T) (dir, version string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", library).Output()
	if err != nil {
		t.Fatal(err)
	}
	dir, version, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return dir, version
}

// The packages match the library's current source. After an update of the library, `make golden` writes them again.
func TestGenerated(t *testing.T) {
	t.Parallel()
	dir, version := module(t)
	for _, k := range Kinds() {
		name := filepath.Base(reflect.TypeOf(k).Elem().PkgPath())
		want, err := generate(filepath.Join(dir, "discovery", name), version)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(name, "settings.go")
		if os.Getenv("RELOADER_UPDATE") != "" {
			if err := os.WriteFile(file, want, 0o644); err != nil { //nolint:gosec // source code
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
			t.Errorf("%s is not what the library's source gives (%v); write it with `make golden`", file, err)
		}
	}
}

// theirs are the types that Prometheus' own packages register, by kind. Only this test links those packages.
func theirs(t *testing.T) map[string]reflect.Type {
	t.Helper()
	v, err := discovery.MarshalYAMLWithInlineConfigs(&config.ScrapeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]reflect.Type{}
	for f := range reflect.TypeOf(v).Elem().Fields() {
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); strings.HasSuffix(key, "_sd_configs") {
			types[strings.TrimSuffix(key, "_sd_configs")] = f.Type.Elem().Elem()
		}
	}
	return types
}

// Every kind of service discovery in Prometheus is known here, with the same fields.
func TestKinds(t *testing.T) {
	t.Parallel()
	want := theirs(t)
	delete(want, "file")
	got := map[string]reflect.Type{}
	for _, k := range Kinds() {
		got[k.Name()] = reflect.TypeOf(k).Elem()
	}
	if a, b := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(a, b) || len(a) < 25 {
		t.Fatalf("known here: %v\nin Prometheus: %v", a, b)
	}
	for name, typ := range got {
		same(t, name, typ, want[name], map[reflect.Type]bool{})
	}
}

// same compares two types field by field. A type that both use is the same one.
func same(t *testing.T, at string, a, b reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	if a == b || seen[a] {
		return
	}
	seen[a] = true
	if a.Kind() != b.Kind() || a.Name() != b.Name() {
		t.Errorf("%s is %v, Prometheus has %v", at, a, b)
		return
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Slice:
		same(t, at, a.Elem(), b.Elem(), seen)
	case reflect.Struct:
		if a.NumField() != b.NumField() {
			t.Errorf("%s has %d fields, Prometheus has %d", at, a.NumField(), b.NumField())
			return
		}
		for i := range b.NumField() {
			if a.Field(i).Name != b.Field(i).Name || a.Field(i).Tag != b.Field(i).Tag {
				t.Errorf("%s has the field %v, Prometheus has %v", at, a.Field(i), b.Field(i))
			}
			same(t, at+"."+a.Field(i).Name, a.Field(i).Type, b.Field(i).Type, seen)
		}
	default:
	}
}

// An entry is read and printed exactly as Prometheus does it, and refused with the same words. This holds for the entries in the library's
// own examples, good and bad, and for each of them with every setting removed, changed, or set in pairs.
func TestAsPrometheus(t *testing.T) {
	t.Parallel()
	dir, _ := module(t)
	real, examples := theirs(t), examples(t, filepath.Join(dir, "config", "testdata"))
	for _, role := range []string{"ec2", "ecs", "elasticache", "lightsail", "msk", "rds"} {
		examples["aws"] = append(examples["aws"], map[string]any{"role": role, "region": "us-east-1"})
	}
	examples["gce"] = append(examples["gce"], map[string]any{"project": "p", "zone": "z"})
	examples["serverset"] = append(examples["serverset"], map[string]any{"servers": []any{"h:1"}, "paths": []any{"/p"}})
	values := []any{"", "x", "x/y", "5m", "0s", "http://h:1/p", "::", 0, -1, 80, true, []any{}, []any{""}, map[string]any{}, map[string]any{"username": "u"}}
	for _, k := range Kinds() {
		t.Run(k.Name(), func(t *testing.T) {
			t.Parallel()
			good, bad := 0, 0
			try := func(entry map[string]any) {
				text, err := yaml.Marshal(entry)
				if err != nil {
					t.Fatal(err)
				}
				ours, theirs := read(text, reflect.TypeOf(k).Elem()), read(text, real[k.Name()])
				if ours != theirs {
					t.Errorf("%s\nis here: %s\nPrometheus: %s", text, ours, theirs)
				}
				if strings.HasPrefix(ours, "refused: ") {
					bad++
				} else {
					good++
				}
			}
			try(nil)
			for _, e := range append(examples[k.Name()], map[string]any{}) {
				try(e)
				keys := settings(reflect.TypeOf(k).Elem())
				for i, key := range keys {
					try(with(e, key, nil))
					for _, v := range values {
						try(with(e, key, v))
					}
					for _, other := range keys[:i] {
						try(with(with(e, key, "x"), other, "y"))
						try(with(with(e, key, map[string]any{"credentials": "c"}), other, "y"))
					}
				}
				try(with(e, "unknown", 1))
			}
			if good < 5 || bad < 10 {
				t.Errorf("%d entries were good and %d bad, want at least 5 and 10", good, bad)
			}
		})
	}
}

// examples are the entries of service discovery in the library's example files, by kind.
func examples(t *testing.T, dir string) map[string][]map[string]any {
	t.Helper()
	found := map[string][]map[string]any{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[any]any:
			for key, v := range v {
				name, _ := key.(string)
				kind, is := strings.CutSuffix(name, "_sd_configs")
				entries, _ := v.([]any)
				for _, e := range entries {
					m, ok := e.(map[any]any)
					if !is || !ok {
						continue
					}
					entry := map[string]any{}
					for k, v := range m {
						entry[k.(string)] = v //nolint:forcetypeassert // settings have names
					}
					found[kind] = append(found[kind], entry)
				}
				walk(v)
			}
		case []any:
			for _, v := range v {
				walk(v)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d example files in %s: %v", len(files), dir, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if yaml.Unmarshal(text, &v) == nil {
			walk(v)
		}
	}
	return found
}

// settings are the keys of an entry, including those of inlined structs.
func settings(t reflect.Type) (keys []string) {
	for f := range t.Fields() {
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline"):
			keys = append(keys, settings(f.Type)...)
		case key != "-" && key != "":
			keys = append(keys, key)
		}
	}
	return keys
}

// with is the entry with another value for a key, or without the key if that is nil.
func with(entry map[string]any, key string, v any) map[string]any {
	changed := maps.Clone(entry)
	if v == nil {
		delete(changed, key)
	} else {
		changed[key] = v
	}
	return changed
}

// read returns an entry's refusal, or how it is shown when its files are relative to a directory.
func read(text []byte, typ reflect.Type) string {
	v := reflect.New(typ).Interface()
	if err := yaml.UnmarshalStrict(text, v); err != nil {
		return "refused: " + err.Error()
	}
	if d, ok := v.(interface{ SetDirectory(string) }); ok {
		d.SetDirectory("/etc/p")
	}
	out, err := yaml.Marshal(v)
	if err != nil {
		return "not shown: " + err.Error()
	}
	return string(out)
}

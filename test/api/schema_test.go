// Package api compares the documented schema of the JSON that reloader serves with the code.
package api

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/history"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/status"
	"reloader/test/rig"
)

// update makes TestSchemas write the schemas (make golden).
var update = os.Getenv("RELOADER_UPDATE") != ""

// named are the schemas of types that encode themselves, or have a fixed list of values.
var named = map[reflect.Type]map[string]any{
	reflect.TypeFor[time.Time]():        {"type": "string", "format": "date-time"},
	reflect.TypeFor[snapshot.Digest]():  {"type": "string", "pattern": "^([0-9a-f]{64})?$"},
	reflect.TypeFor[finding.Severity](): {"type": "string", "enum": []string{"error", "warning", "info"}},
	reflect.TypeFor[time.Duration]():    {"type": "integer", "description": "nanoseconds"},
	reflect.TypeFor[reload.Phase](): {"type": "string", "enum": []reload.Phase{
		reload.Starting, reload.Waiting, reload.Settling, reload.Checking, reload.Rejected, reload.Unjudged, reload.Publishing, reload.Reloading,
		reload.Confirming, reload.Retrying, reload.RolledBack, reload.Mismatch, reload.InSync,
	}},
	reflect.TypeFor[history.Outcome](): {"type": "string", "enum": []history.Outcome{
		history.Pending, history.Live, history.Rejected, history.Refused, history.RolledBack, history.Mismatch, history.Replaced, history.Restarted,
	}},
}

// schemaOf is the JSON schema of a type as encoding/json writes it.
func schemaOf(t reflect.Type) map[string]any {
	if s, ok := named[t]; ok {
		return s
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for f := range t.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" || !f.IsExported() {
				continue
			}
			properties[name] = schemaOf(f.Type)
			if !strings.Contains(options, "omit") {
				required = append(required, name)
			}
		}
		return map[string]any{"type": "object", "properties": properties, "required": required}
	default:
		panic(fmt.Sprintf("a %s has no schema", t))
	}
}

// The schemas in docs/schema are those of the code. A field that is removed or changes its type needs a new version
// of the API. A new field only needs `make golden`.
func TestSchemas(t *testing.T) {
	t.Parallel()
	for name, root := range map[string]reflect.Type{
		"status.v1.json": reflect.TypeFor[status.Report](), "history.v1.json": reflect.TypeFor[history.Report](),
	} {
		schema := schemaOf(root)
		schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		schema["title"] = "GET /api/v1/" + strings.TrimSuffix(name, ".v1.json")
		want, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		file := "../../docs/schema/" + name
		if update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not what the code serves (%v); if the change is intended, run: make golden", file, err)
		}
	}
}

// The values that the schemas list are all that packages reload and history declare.
func TestEnumsAreComplete(t *testing.T) {
	t.Parallel()
	for typ, dir := range map[reflect.Type]string{reflect.TypeFor[reload.Phase](): "reload", reflect.TypeFor[history.Outcome](): "history"} {
		var listed []string
		for v := reflect.ValueOf(named[typ]["enum"]); len(listed) < v.Len(); {
			listed = append(listed, v.Index(len(listed)).String())
		}
		declared := constants(t, "../../internal/"+dir, typ.Name())
		slices.Sort(listed)
		slices.Sort(declared)
		if len(declared) < 8 || !slices.Equal(listed, declared) {
			t.Errorf("%s: the schema lists %q, the code declares %q", typ, listed, declared)
		}
	}
}

// constants are the values of the string constants of a type in a package.
func constants(t *testing.T, dir, typeName string) (values []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	rig.Must(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		rig.Must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.Ident); ok && of.Name == typeName && len(spec.Values) == 1 {
				if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
					value, err := strconv.Unquote(literal.Value)
					rig.Must(t, err)
					values = append(values, value)
				}
			}
			return true
		})
	}
	return values
}

// Every field that the API can show is explained in docs/api.md.
func TestEveryFieldIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(t reflect.Type, visit func(name string))
	walk = func(t reflect.Type, visit func(name string)) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if _, ok := named[t]; ok || t.Kind() != reflect.Struct {
			return
		}
		for field := range t.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "-" {
				visit(name)
				walk(field.Type, visit)
			}
		}
	}
	for _, root := range []reflect.Type{reflect.TypeFor[status.Report](), reflect.TypeFor[history.Report]()} {
		walk(root, func(name string) {
			seen++
			if !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("docs/api.md does not explain `%s`", name)
			}
		})
	}
	if seen < 40 {
		t.Errorf("only %d fields were found, want at least 40", seen)
	}
}

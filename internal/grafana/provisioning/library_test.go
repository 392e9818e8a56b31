package provisioning

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	yamlv2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
)

// Merge keys in a free map give what the YAML library itself gives, at the top and deeper, in both dialects. All values are
// strings, so that only merging matters.
func TestMergesAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	const anchors = "one: &one {a: one, b: one, m: {p: one}}\ntwo: &two {a: two, c: two, m: {q: two}}\n" +
		"over: &over {<<: *one, a: over}\nunder: &under {a: under, <<: [*two, *one]}\nboth: &both {<<: [*over, *under], d: both}\n"
	for _, m := range []string{
		"{<<: *one}", "{a: own, <<: *one}", "{<<: *one, a: own}", "{<<: [*one, *two]}", "{a: own, <<: [*two, *one]}", "{<<: *over}", "{<<: *under}",
		"{c: own, <<: *both}", "{<<: *both, c: own}", "{<<: [*under, *over]}", "{m: {p: own}, <<: *one}", "{<<: {a: in, b: in}, a: own}",
		"{k: {a: own, <<: *both}, <<: *two}", "{l: [{b: own, <<: *over}, *under]}",
	} {
		for _, form := range []string{"j: %s\n", "j: {deep: %s}\n"} {
			text := anchors + fmt.Sprintf(form, m)
			for _, dialect := range []Dialect{V2, V3} {
				var got any
				errs, _ := decode(t, dialect, text, func(d *Decoder, top *Map) { got, _ = d.FreeMap(top.Get("j"), "j") })
				want, err := library(dialect, text)
				if err != nil || len(errs) > 0 || !reflect.DeepEqual(got, want) {
					t.Errorf("dialect %d, %s: got %v %v, want %v %v", dialect, strings.TrimSpace(fmt.Sprintf(form, m)), got, errs, want, err)
				}
			}
		}
	}
}

// Scalars in a free map become what the YAML library itself makes of them, in both dialects.
func TestScalarsAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	for _, scalar := range []string{
		"y", "Yes", "on", "OFF", "n", "no", "yEs", "'yes'", `"on"`, "!!str yes", "TRUE", "tRUE", "~", "null", "Null", "NULL", "''", "010", "0o10", "0b1", "-0b1",
		"1_000", "1__0", "_1", "1:30", ".5", "+.5", "1.", "1e3", "1e400", "+1", "-", "08", "0x1F", "0x", "12345678901234567890", "99999999999999999999999",
		"2020-01-01", "2020-01-01T00:00:00Z", "!!float 1", "!!int '1'", "!!binary YQ==", "!foo x", "<<", "=",
	} {
		for _, dialect := range []Dialect{V2, V3} {
			text := "j: {a: " + scalar + ", deep: {b: [" + scalar + "]}}\n"
			var got any
			errs, _ := decode(t, dialect, text, func(d *Decoder, top *Map) { got, _ = d.PlainOptions(top.Get("j"), "j") })
			want, err := library(dialect, text)
			if (err != nil) != (len(errs) > 0) || err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("dialect %d, %s: got %#v %v, want %#v %v", dialect, scalar, got, errs, want, err)
			}
		}
	}
}

// library returns what the YAML library of a dialect reads for the key j.
func library(dialect Dialect, text string) (any, error) {
	var doc map[string]any
	if dialect == V2 {
		err := yamlv2.Unmarshal([]byte(text), &doc)
		return stringKeys(doc["j"]), err
	}
	err := yaml.Unmarshal([]byte(text), &doc)
	return doc["j"], err
}

// stringKeys turns the maps of the older library into maps of the newer one.
func stringKeys(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for key, item := range v {
			out[key.(string)] = stringKeys(item)
		}
		return out
	case []any:
		for i, item := range v {
			v[i] = stringKeys(item)
		}
	}
	return v
}

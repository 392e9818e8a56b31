package provisioning

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	yamlv2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
)

// Merge keys give what the YAML library gives, at the top of a free map and deeper, in both dialects. The oracle is the
// library itself. All values are strings: the text of the file is what counts.
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
				var got, want any
				errs, _ := decode(t, dialect, text, func(d *Decoder, top *Map) { got, _ = d.FreeMap(top.Get("j"), "j") })
				unmarshal := yaml.Unmarshal
				if dialect == V2 {
					unmarshal = func(b []byte, v any) error { return yamlv2.Unmarshal(b, v) }
				}
				var doc map[string]any
				if err := unmarshal([]byte(text), &doc); err != nil {
					t.Fatal(err)
				}
				if want = stringKeys(doc["j"]); len(errs) > 0 || !reflect.DeepEqual(got, want) {
					t.Errorf("dialect %d, %s: got %v %v, want %v", dialect, strings.TrimSpace(fmt.Sprintf(form, m)), got, errs, want)
				}
			}
		}
	}
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
	case map[string]any:
		for key, item := range v {
			v[key] = stringKeys(item)
		}
	case []any:
		for i, item := range v {
			v[i] = stringKeys(item)
		}
	}
	return v
}

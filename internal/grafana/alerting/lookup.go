package alerting

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
)

// get looks a key up as encoding/json does: the exact one, else one that differs in case.
func get[T any](m map[string]T, key string) (T, bool) {
	if v, ok := m[key]; ok {
		return v, true
	}
	first, found := "", false
	for k := range m {
		if strings.EqualFold(k, key) && (!found || k < first) {
			first, found = k, true
		}
	}
	return m[first], found
}

// valueOf is the value of a key, in whatever case; nil when there is none.
func valueOf(d *provisioning.Decoder, n *yaml.Node, key string) *yaml.Node {
	r := d.Resolve(n)
	if r == nil || r.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(r.Content); i += 2 {
		if strings.EqualFold(r.Content[i].Value, key) {
			return r.Content[i+1]
		}
	}
	return nil
}

// keyAt is where a key is written, in whatever case; the map itself when it is not.
func keyAt(f validation.File, d *provisioning.Decoder, n *yaml.Node, key string) validation.Place {
	r := d.Resolve(n)
	if r == nil || r.Kind != yaml.MappingNode {
		return f.At(n)
	}
	for i := 0; i+1 < len(r.Content); i += 2 {
		if strings.EqualFold(r.Content[i].Value, key) {
			return f.At(r.Content[i])
		}
	}
	return f.At(r)
}

package alerting

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/grafana/provisioning"
	"reloader/internal/grafana/validation"
	"reloader/internal/yamlnode"
)

// get looks a key up as encoding/json does: the exact one, else one that differs in case; nil when there is none.
func get(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	first, value := "", any(nil)
	for k, v := range m {
		if strings.EqualFold(k, key) && (first == "" || k < first) {
			first, value = k, v
		}
	}
	return value
}

// pairOf returns the nodes of a key, regardless of case, and of its value; nil when the map has no such key.
func pairOf(d *provisioning.Decoder, n *yaml.Node, key string) (k, v *yaml.Node) {
	r := d.Resolve(n)
	if r == nil || r.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(r.Content); i += 2 {
		if strings.EqualFold(r.Content[i].Value, key) {
			return r.Content[i], r.Content[i+1]
		}
	}
	return nil, nil
}

// valueOf returns the value of a key, regardless of case; nil when the map has no such key.
func valueOf(d *provisioning.Decoder, n *yaml.Node, key string) *yaml.Node {
	_, v := pairOf(d, n, key)
	return v
}

// keyAt is where a key is written, regardless of case; where the map begins if it has no such key.
func keyAt(f validation.File, d *provisioning.Decoder, n *yaml.Node, key string) validation.Place {
	if k, _ := pairOf(d, n, key); k != nil {
		return f.At(k)
	}
	if r := d.Resolve(n); r != nil && r.Kind == yaml.MappingNode {
		return f.At(r)
	}
	return f.At(n)
}

// keysAt is keyAt for many keys of one map. It reads the map once: a file may have a hundred thousand keys.
func keysAt(f validation.File, d *provisioning.Decoder, n *yaml.Node) func(key string) validation.Place {
	written := map[string]*yaml.Node{}
	for k := range yamlnode.Pairs(d.Resolve(n)) {
		if written[k.Value] == nil {
			written[k.Value] = k
		}
	}
	return func(key string) validation.Place {
		if k := written[key]; k != nil {
			return f.At(k)
		}
		return keyAt(f, d, n, key)
	}
}

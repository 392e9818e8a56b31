package inject

import (
	"encoding/base64"
	"slices"

	"go.yaml.in/yaml/v3"
)

// objectKind is the kind of the object behind a volume.
var objectKind = map[string]string{"configMap": "ConfigMap", "secret": "Secret"}

// objects are the objects of a manifest, by kind and name.
type objects map[[2]string][]cursor

// findObjects also looks into lists.
func findObjects(docs []*document) objects {
	o := objects{}
	var visit func(c cursor, depth int)
	visit = func(c cursor, depth int) {
		if name := c.get("metadata", "name").str(); name != "" {
			id := [2]string{c.get("kind").str(), name}
			o[id] = append(o[id], c)
		}
		for _, it := range c.get("items").items() {
			if depth < maxLists {
				visit(it, depth+1)
			}
		}
	}
	for _, d := range docs {
		if d.root != nil {
			visit(cursor{n: d.root, doc: d}, 0)
		}
	}
	return o
}

// find leaves out those of another namespace.
func (o objects) find(kind, name, namespace string) []cursor {
	return slices.DeleteFunc(slices.Clone(o[[2]string{kind, name}]), func(c cursor) bool {
		ns := c.get("metadata", "namespace").str()
		return ns != "" && namespace != "" && ns != namespace
	})
}

// keys are those of a ConfigMap or Secret, if it is in the manifest.
func (o objects) keys(kind, name, namespace string) (keys []string, known bool) {
	for _, c := range o.find(kind, name, namespace) {
		known = true
		for _, field := range []string{"data", "binaryData", "stringData"} {
			if m := c.get(field); m.ok() && m.n.Kind == yaml.MappingNode {
				for i := 0; i < len(m.n.Content); i += 2 {
					keys = append(keys, m.n.Content[i].Value)
				}
			}
		}
	}
	return keys, known
}

// value is one value of a ConfigMap or Secret; nil when it is not in the manifest.
func (o objects) value(kind, name, namespace, key string) (value []byte) {
	if key == "" {
		return nil
	}
	for _, c := range o.find(kind, name, namespace) {
		data := c.get("data").field(key)
		switch text := c.get("stringData").field(key); {
		case text.ok():
			value = []byte(text.str())
		case !data.ok():
		case kind == "Secret":
			value, _ = base64.StdEncoding.DecodeString(data.str()) // what cannot be read tells nothing
		default:
			value = []byte(data.str())
		}
	}
	return value
}

package inject

import (
	"encoding/base64"
	"slices"

	"go.yaml.in/yaml/v3"

	"reloader/internal/yamledit"
)

// objectKind is the kind of the object behind a volume.
var objectKind = map[string]string{"configMap": "ConfigMap", "secret": "Secret"}

// objects are the objects of a manifest, by kind and name.
type objects map[[2]string][]yamledit.Cursor

// findObjects also looks into lists.
func findObjects(docs []*yamledit.Document) objects {
	o := objects{}
	var visit func(c yamledit.Cursor, depth int)
	visit = func(c yamledit.Cursor, depth int) {
		if name := c.Get("metadata", "name").Str(); name != "" {
			id := [2]string{c.Get("kind").Str(), name}
			o[id] = append(o[id], c)
		}
		for _, it := range c.Get("items").Items() {
			if depth < maxLists {
				visit(it, depth+1)
			}
		}
	}
	for _, d := range docs {
		if d.Root != nil {
			visit(d.Top(), 0)
		}
	}
	return o
}

// find leaves out those of another namespace.
func (o objects) find(kind, name, namespace string) []yamledit.Cursor {
	return slices.DeleteFunc(slices.Clone(o[[2]string{kind, name}]), func(c yamledit.Cursor) bool {
		ns := c.Get("metadata", "namespace").Str()
		return ns != "" && namespace != "" && ns != namespace
	})
}

// keys are those of a ConfigMap or Secret, if it is in the manifest.
func (o objects) keys(kind, name, namespace string) (keys []string, known bool) {
	for _, c := range o.find(kind, name, namespace) {
		known = true
		for _, field := range []string{"data", "binaryData", "stringData"} {
			if m := c.Get(field); m.OK() && m.Node.Kind == yaml.MappingNode {
				for i := 0; i < len(m.Node.Content); i += 2 {
					keys = append(keys, m.Node.Content[i].Value)
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
		data := c.Get("data").Field(key)
		switch text := c.Get("stringData").Field(key); {
		case text.OK():
			value = []byte(text.Str())
		case !data.OK():
		case kind == "Secret":
			value, _ = base64.StdEncoding.DecodeString(data.Str()) // what cannot be read tells nothing
		default:
			value = []byte(data.Str())
		}
	}
	return value
}

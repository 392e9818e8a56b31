package manifest

import (
	"encoding/base64"

	"go.yaml.in/yaml/v3"

	"reloader/internal/yamledit"
)

// ObjectKind is the kind of the object behind a volume.
var ObjectKind = map[string]string{"configMap": "ConfigMap", "secret": "Secret"}

// Objects are the objects of a manifest, by kind and name.
type Objects map[[2]string][]yamledit.Cursor

// Find leaves out those of another namespace.
func (o Objects) Find(kind, name, namespace string) []yamledit.Cursor {
	var list []yamledit.Cursor
	for _, c := range o[[2]string{kind, name}] {
		if ns := c.Get("metadata", "namespace").Str(); ns == "" || namespace == "" || ns == namespace {
			list = append(list, c)
		}
	}
	return list
}

// Keys are those of a ConfigMap or Secret, if it is in the manifest.
func (o Objects) Keys(kind, name, namespace string) (keys []string, known bool) {
	for _, c := range o.Find(kind, name, namespace) {
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

// Value is one value of a ConfigMap or Secret; nil when it is not in the manifest.
func (o Objects) Value(kind, name, namespace, key string) (value []byte) {
	if key == "" {
		return nil
	}
	for _, c := range o.Find(kind, name, namespace) {
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

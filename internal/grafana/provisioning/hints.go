package provisioning

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// ObjectHint says that a file is a Kubernetes object, and what of it belongs there; empty when it is none.
func (d *Decoder) ObjectHint(top *Map) string {
	kind := d.Resolve(top.Get("kind"))
	if kind == nil || kind.Kind != yaml.ScalarNode || !top.Has("apiVersion") {
		return ""
	}
	switch kind.Value {
	case "ConfigMap", "Secret":
		return "this is a Kubernetes object of kind " + kind.Value + ": only the value of one key under data belongs here"
	default:
		return "this is a Kubernetes object (kind and apiVersion): Grafana reads its own format here"
	}
}

// templateHint is for a value that begins with {{ and is not quoted: YAML takes it for a map whose key is a map.
func templateHint(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode {
		return `put quotes around the whole value: "{{ ... }}"`
	}
	return ""
}

// places are the directories of what is read from one place only, by its key at the top of a file.
var places = map[string]string{
	"datasources": "datasources", "deleteDatasources": "datasources", "providers": "dashboards", "apps": "plugins",
	"contactPoints": "alerting", "policies": "alerting", "muteTimes": "alerting", "templates": "alerting",
}

// placeHint says in which directory a file with such a key at its top belongs; empty when it is no such key, or when the
// file is not of another kind: it has something of its own.
func placeHint(m *Map, key string, known []string) string {
	dir := places[key]
	if dir == "" || slices.ContainsFunc(m.Fields, func(f Field) bool { return f.Key != "apiVersion" && slices.Contains(known, f.Key) }) {
		return ""
	}
	return "a file with " + key + " belongs in the directory " + dir
}

package provisioning

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// ObjectHint says that a file is a Kubernetes object, and which part of it belongs there; empty for other files.
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

// templateHint is for an unquoted value that begins with {{, which YAML reads as a map whose key is a map.
func templateHint(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode {
		return `put quotes around the whole value: "{{ ... }}"`
	}
	return ""
}

// places are the directories of top-level keys that Grafana reads in one directory only.
var places = map[string]string{
	"datasources": "datasources", "deleteDatasources": "datasources", "providers": "dashboards", "apps": "plugins",
	"contactPoints": "alerting", "policies": "alerting", "muteTimes": "alerting", "templates": "alerting",
}

// placeHint says in which directory a file with this top-level key belongs; empty for any other key, or when the file also
// has a key that belongs here.
func placeHint(m *Map, key string, known []string) string {
	dir := places[key]
	if dir == "" || slices.ContainsFunc(m.Fields, func(f Field) bool { return f.Key != "apiVersion" && slices.Contains(known, f.Key) }) {
		return ""
	}
	return "a file with " + key + " belongs in the directory " + dir
}

package provisioning

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/finding"
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

// otherNames are keys of Alertmanager, of Grafana's API and of its pages, and what files call them.
var otherNames = map[string]string{
	"webhook_url": "url", "webhookurl": "url", "api_url": "url", "channel": "recipient", "to": "addresses", "email": "addresses",
	"emails": "addresses", "service_key": "integrationKey", "routing_key": "integrationKey", "mute_timings": "mute_time_intervals",
	"mutetimings": "mute_time_intervals", "dashboards": "providers",
}

// KeyHint says which of the known keys was probably meant; empty when none comes near.
func KeyHint(key string, known []string) string {
	near := finding.Nearest(key, known)
	if near == "" {
		if name := otherNames[strings.ToLower(key)]; slices.Contains(known, name) {
			near = name
		}
	}
	if near == "" {
		return ""
	}
	return "did you mean " + near + "?"
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

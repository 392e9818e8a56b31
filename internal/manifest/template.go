package manifest

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/yamledit"
)

// unrendered finds a template that happens to be YAML, by names and images: those of Kubernetes never have braces. Contents of ConfigMaps
// may have them.
func unrendered(c *Contents) *yamledit.Error {
	var fields []yamledit.Cursor
	for _, o := range c.Others {
		fields = append(fields, o.Get("metadata", "name"), o.Get("metadata", "namespace"))
	}
	for _, w := range c.Workloads {
		fields = append(fields, w.Object.Get("metadata", "name"), w.Object.Get("metadata", "namespace"))
		for _, c := range w.AllContainers() {
			fields = append(fields, c.Get("name"), c.Get("image"))
		}
	}
	i := slices.IndexFunc(fields, func(f yamledit.Cursor) bool { return f.OK() && isTemplate(f.Node) })
	if i < 0 {
		return nil
	}
	return &yamledit.Error{
		Line: fields[i].Line(), Column: fields[i].Node.Column, Text: "this is an unrendered template",
		Hint: "templates (Helm, Jsonnet) have to be rendered first",
	}
}

// isTemplate reports whether a value is {{ ... }}, which YAML reads as a mapping with a mapping as its key, or text with it.
func isTemplate(n *yaml.Node) bool {
	switch n.Kind {
	case yaml.ScalarNode:
		return strings.Contains(n.Value, "{{")
	case yaml.MappingNode:
		return len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode
	default:
		return false
	}
}

package judge

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/versions"
	"reloader/internal/yamlnode"
)

// showsEmpty is the first version that prints an empty separator or replacement of a relabeling. Servers before it leave it out, and
// print a default, so what is left out is empty. The library would read it as the default.
const showsEmpty = "3.14"

// withOmitted is a configuration that an older server printed, with what it left out.
func withOmitted(printed, server string) string {
	if v := versions.Parse(server); !v.Known() || !v.Before(versions.Parse(showsEmpty)) {
		return printed
	}
	var doc yaml.Node
	if yaml.Unmarshal([]byte(printed), &doc) != nil || !addOmitted(&doc) {
		return printed
	}
	b, err := yaml.Marshal(&doc)
	if err != nil {
		return printed
	}
	return string(b)
}

// addOmitted adds empty values to the relabelings below a node that lack them, and reports whether there were any.
func addOmitted(n *yaml.Node) (added bool) {
	for _, c := range n.Content {
		added = addOmitted(c) || added
	}
	if n.Kind != yaml.MappingNode {
		return added
	}
	for key, list := range yamlnode.Pairs(n) {
		if !strings.HasSuffix(key.Value, "relabel_configs") {
			continue
		}
		for _, item := range yamlnode.Items(list) {
			for _, field := range []string{"separator", "replacement"} {
				if item.Kind != yaml.MappingNode || child(item, field) != nil {
					continue
				}
				item.Content = append(item.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: field},
					&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle})
				added = true
			}
		}
	}
	return added
}

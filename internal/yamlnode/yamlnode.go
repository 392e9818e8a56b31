// Package yamlnode walks parsed YAML in which only some keys matter.
package yamlnode

import (
	"errors"
	"fmt"
	"iter"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest file that is parsed, in bytes: a parsed file takes many times its size in memory, and a ConfigMap
// holds at most 1 MiB.
const MaxSize = 4 << 20

// Mapping returns the mapping at the top of a file; nil without an error for an empty file.
func Mapping(file []byte) (*yaml.Node, error) {
	if len(file) > MaxSize {
		return nil, fmt.Errorf("scan for file references: %d bytes are more than %d", len(file), MaxSize)
	}
	var doc yaml.Node
	if err := unmarshal(file, &doc); err != nil {
		return nil, fmt.Errorf("scan for file references: %w", err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	if Resolve(root).Kind != yaml.MappingNode {
		return nil, errors.New("scan for file references: not a mapping")
	}
	return root, nil
}

// unmarshal turns a panic of the parser into an error.
func unmarshal(b []byte, doc *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("parse yaml: %v", p)
		}
	}()
	return yaml.Unmarshal(b, doc)
}

// Resolve follows an alias. An alias never leads to another alias.
func Resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// Get returns the value of a key, including keys of merged mappings; nil when there is none. Aliases are resolved.
func Get(n *yaml.Node, key string) *yaml.Node { return get(n, key, 0) }

func get(n *yaml.Node, key string, depth int) *yaml.Node {
	const maxMerges = 8
	n = Resolve(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > maxMerges {
		return nil
	}
	for k, v := range Pairs(n) {
		if k.Value == key && k.Kind == yaml.ScalarNode {
			return Resolve(v)
		}
	}
	for k, v := range Pairs(n) {
		if k.Tag != "!!merge" {
			continue
		}
		merged := Resolve(v)
		for _, m := range append(Items(merged), merged) {
			if v := get(m, key, depth+1); v != nil {
				return v
			}
		}
	}
	return nil
}

// Pairs yields the keys and values of a mapping as written, and nothing for any other node.
func Pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// Items are the elements of a sequence; nil for any other node.
func Items(n *yaml.Node) []*yaml.Node {
	n = Resolve(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// Texts are the scalars of a sequence that are not empty.
func Texts(n *yaml.Node) []string {
	var out []string
	for _, item := range Items(n) {
		if item = Resolve(item); item.Kind == yaml.ScalarNode && item.Value != "" {
			out = append(out, item.Value)
		}
	}
	return out
}

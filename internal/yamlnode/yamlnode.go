// Package yamlnode walks parsed YAML of which only some keys matter.
package yamlnode

import (
	"errors"
	"fmt"
	"iter"

	"go.yaml.in/yaml/v3"
)

// MaxSize, in bytes, bounds the file that is parsed: a parsed file takes many times its size in memory, and a
// ConfigMap holds at most 1 MiB.
const MaxSize = 4 << 20

// Mapping is the top of a file; nil without an error for an empty one.
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

// unmarshal turns the parser's panics, should there be any left, into errors.
func unmarshal(b []byte, doc *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("parse yaml: %v", p)
		}
	}()
	return yaml.Unmarshal(b, doc)
}

// Resolve follows an alias. Aliases of aliases do not exist.
func Resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// Get is the value of a key in a mapping, merged mappings included; nil when there is none.
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

// Pairs are the keys and values of a mapping as they are written; none of anything else.
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

// Items are the elements of a sequence; none of anything else.
func Items(n *yaml.Node) []*yaml.Node {
	n = Resolve(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// Texts are the scalars in a sequence that are not empty.
func Texts(n *yaml.Node) []string {
	var out []string
	for _, item := range Items(n) {
		if item = Resolve(item); item.Kind == yaml.ScalarNode && item.Value != "" {
			out = append(out, item.Value)
		}
	}
	return out
}

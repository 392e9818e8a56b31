package inject

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// cursor is a node with the way to it. Reading goes through aliases and merge keys; what was
// reached through one is shared with other places and must not be edited.
type cursor struct {
	n      *yaml.Node
	key    *yaml.Node // the key, when n is a value of a mapping
	parent *yaml.Node
	shared bool
	doc    *document
}

func (c cursor) ok() bool { return c.n != nil }

// null is true for a key without a value too.
func (c cursor) null() bool {
	return c.n == nil || c.n.Kind == yaml.ScalarNode && c.n.ShortTag() == "!!null"
}

func (c cursor) line() int {
	if c.key != nil {
		return c.key.Line
	}
	if c.n != nil {
		return c.n.Line
	}
	return 0
}

func (c cursor) child(key, n *yaml.Node) cursor {
	shared := c.shared || c.doc.aliased[n]
	if n.Kind == yaml.AliasNode {
		n, shared = n.Alias, true
	}
	return cursor{n: n, key: key, parent: c.n, shared: shared, doc: c.doc}
}

// get descends through mapping keys; the result is not ok when one is missing.
func (c cursor) get(path ...string) cursor {
	for _, k := range path {
		c = c.field(k)
		if !c.ok() {
			return cursor{doc: c.doc}
		}
	}
	return c
}

func (c cursor) field(name string) cursor {
	if !c.ok() || c.n.Kind != yaml.MappingNode {
		return cursor{doc: c.doc}
	}
	for i := 0; i+1 < len(c.n.Content); i += 2 {
		if k := c.n.Content[i]; k.Kind == yaml.ScalarNode && k.Value == name {
			return c.child(k, c.n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(c.n.Content); i += 2 {
		if k := c.n.Content[i]; k.Kind == yaml.ScalarNode && k.Value == "<<" {
			if m := c.merged(c.n.Content[i+1], name); m.ok() {
				return m
			}
		}
	}
	return cursor{doc: c.doc}
}

// merged looks a key up in the value of a merge key: an alias of a mapping, or a list of such.
// It goes one level deep only, which is what people write.
func (c cursor) merged(from *yaml.Node, name string) cursor {
	list := []*yaml.Node{from}
	if from.Kind == yaml.SequenceNode {
		list = from.Content
	}
	for _, m := range list {
		if m.Kind == yaml.AliasNode {
			m = m.Alias
		}
		if m.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			if m.Content[i].Value == name {
				v := c.child(m.Content[i], m.Content[i+1])
				v.shared = true
				return v
			}
		}
	}
	return cursor{}
}

// items are the elements of a sequence; nil for anything else.
func (c cursor) items() []cursor {
	if !c.ok() || c.n.Kind != yaml.SequenceNode {
		return nil
	}
	list := make([]cursor, len(c.n.Content))
	for i, n := range c.n.Content {
		list[i] = c.child(nil, n)
	}
	return list
}

// str is the text of a scalar, "" for anything else.
func (c cursor) str() string {
	if !c.ok() || c.n.Kind != yaml.ScalarNode || c.null() {
		return ""
	}
	return c.n.Value
}

func (c cursor) strs() []string {
	var list []string
	for _, it := range c.items() {
		list = append(list, it.str())
	}
	return list
}

// is compares a boolean the way Kubernetes reads it.
func (c cursor) is(b bool) bool {
	s := strings.ToLower(c.str())
	return b && s == "true" || !b && s == "false"
}

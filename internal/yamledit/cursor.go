package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Cursor is a node with the way to it. Reading goes through aliases and merge keys; what was
// reached through one is shared with other places and must not be edited. The zero value is a
// node that is missing, and so is everything below it.
type Cursor struct {
	// Node is nil when there is nothing at the place that was asked for.
	Node *yaml.Node
	// Key is the key's node when Node is a value of a mapping, else nil.
	Key *yaml.Node
	// Doc is the document that Node is in.
	Doc *Document

	parent *yaml.Node
	shared bool
}

// OK says that there is a node.
func (c Cursor) OK() bool { return c.Node != nil }

// Null is true for a key without a value too.
func (c Cursor) Null() bool {
	return c.Node == nil || c.Node.Kind == yaml.ScalarNode && c.Node.ShortTag() == "!!null"
}

// Line is the key's line, or the node's where there is no key, from 1; 0 when the node is missing.
func (c Cursor) Line() int {
	if c.Key != nil {
		return c.Key.Line
	}
	if c.Node != nil {
		return c.Node.Line
	}
	return 0
}

// Child is a node below c, with its key if it has one.
func (c Cursor) Child(key, n *yaml.Node) Cursor {
	shared := c.shared || c.Doc.aliased[n]
	if n.Kind == yaml.AliasNode {
		n, shared = n.Alias, true
	}
	return Cursor{Node: n, Key: key, parent: c.Node, shared: shared, Doc: c.Doc}
}

// Get descends through mapping keys; the result is not ok when one is missing.
func (c Cursor) Get(path ...string) Cursor {
	for _, k := range path {
		c = c.Field(k)
	}
	return c
}

// Field is the value of one key.
func (c Cursor) Field(name string) Cursor {
	if !c.OK() || c.Node.Kind != yaml.MappingNode {
		return Cursor{Doc: c.Doc}
	}
	for i := 0; i+1 < len(c.Node.Content); i += 2 {
		if k := c.Node.Content[i]; k.Kind == yaml.ScalarNode && k.Value == name {
			return c.Child(k, c.Node.Content[i+1])
		}
	}
	for i := 0; i+1 < len(c.Node.Content); i += 2 {
		if k := c.Node.Content[i]; k.Kind == yaml.ScalarNode && k.Value == "<<" {
			if m := c.merged(c.Node.Content[i+1], name); m.OK() {
				return m
			}
		}
	}
	return Cursor{Doc: c.Doc}
}

// merged looks a key up in the value of a merge key: an alias of a mapping, or a list of such.
// It goes one level deep only, which is what people write.
func (c Cursor) merged(from *yaml.Node, name string) Cursor {
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
				v := c.Child(m.Content[i], m.Content[i+1])
				v.shared = true
				return v
			}
		}
	}
	return Cursor{}
}

// Fields are the values of a mapping, with their keys; nil for anything else.
func (c Cursor) Fields() []Cursor {
	if !c.OK() || c.Node.Kind != yaml.MappingNode {
		return nil
	}
	list := make([]Cursor, 0, len(c.Node.Content)/2)
	for i := 0; i+1 < len(c.Node.Content); i += 2 {
		list = append(list, c.Child(c.Node.Content[i], c.Node.Content[i+1]))
	}
	return list
}

// Items are the elements of a sequence; nil for anything else.
func (c Cursor) Items() []Cursor {
	if !c.OK() || c.Node.Kind != yaml.SequenceNode {
		return nil
	}
	list := make([]Cursor, len(c.Node.Content))
	for i, n := range c.Node.Content {
		list[i] = c.Child(nil, n)
	}
	return list
}

// Str is the text of a scalar, "" for anything else.
func (c Cursor) Str() string {
	if !c.OK() || c.Node.Kind != yaml.ScalarNode || c.Null() {
		return ""
	}
	return c.Node.Value
}

// Strs are the texts of a sequence's elements.
func (c Cursor) Strs() []string {
	var list []string
	for _, it := range c.Items() {
		list = append(list, it.Str())
	}
	return list
}

// Is compares a boolean the way Kubernetes reads it.
func (c Cursor) Is(b bool) bool {
	s := strings.ToLower(c.Str())
	return b && s == "true" || !b && s == "false"
}

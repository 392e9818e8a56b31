package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Cursor is a node and the path that led to it. Reading follows aliases and merge keys; a node reached that way is
// shared with other places and must not be edited. The zero value is a missing node, and everything below it is missing too.
type Cursor struct {
	// Node is nil when there is no such node.
	Node *yaml.Node
	// Key is the key's node when Node is a value in a mapping, else nil.
	Key *yaml.Node
	// Doc is the document that contains Node.
	Doc *Document

	parent *yaml.Node
	shared bool
}

// OK reports whether there is a node.
func (c Cursor) OK() bool { return c.Node != nil }

// Null reports whether the node is null, missing, or a key without a value.
func (c Cursor) Null() bool {
	return c.Node == nil || c.Node.Kind == yaml.ScalarNode && c.Node.ShortTag() == "!!null"
}

// Line is the line of the key, or of the node if it has no key, counted from 1; 0 when the node is missing.
func (c Cursor) Line() int {
	if c.Key != nil {
		return c.Key.Line
	}
	if c.Node != nil {
		return c.Node.Line
	}
	return 0
}

// Child is the cursor of a node directly below c; key is nil for an element of a list.
func (c Cursor) Child(key, n *yaml.Node) Cursor {
	shared := c.shared || c.Doc.aliased[n]
	if n.Kind == yaml.AliasNode {
		n, shared = n.Alias, true
	}
	return Cursor{Node: n, Key: key, parent: c.Node, shared: shared, Doc: c.Doc}
}

// Get descends through mapping keys; the result is missing when one of them is.
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

// merged looks a key up in the value of a merge key: a mapping, an alias of one, or a list of those. It does not follow
// merge keys inside them, because people do not nest them.
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

// Fields are the values of a mapping, with their keys; nil for any other node.
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

// Items are the elements of a sequence; nil for any other node.
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

// Str is the text of a scalar; "" for null and any other node.
func (c Cursor) Str() string {
	if !c.OK() || c.Node.Kind != yaml.ScalarNode || c.Null() {
		return ""
	}
	return c.Node.Value
}

// Strs are the texts of the elements of a sequence.
func (c Cursor) Strs() []string {
	var list []string
	for _, it := range c.Items() {
		list = append(list, it.Str())
	}
	return list
}

// Is reports whether the node is the boolean b for kubectl.
func (c Cursor) Is(b bool) bool {
	v, ok := boolean(c.Str())
	return ok && v == b
}

// IsString reports whether the node is a string for kubectl, for which dates are strings, too.
func (c Cursor) IsString() bool {
	if !c.OK() || c.Node.Kind != yaml.ScalarNode {
		return false
	}
	_, isBool := boolean(c.Node.Value)
	tag := c.Node.ShortTag()
	return c.Node.Style != 0 || !isBool && (tag == "!!str" || tag == "!!timestamp")
}

// boolean reads a boolean like the parser of kubectl (YAML 1.1), which has more words for them than ours: on and yes, for example.
func boolean(text string) (value, ok bool) {
	lower := strings.ToLower(text)
	if text != lower && text != strings.ToUpper(text) && text != strings.ToUpper(text[:1])+lower[1:] {
		return false, false
	}
	switch lower {
	case "true", "yes", "y", "on":
		return true, true
	case "false", "no", "n", "off":
		return false, true
	}
	return false, false
}

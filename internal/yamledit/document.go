package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is one YAML document of a text.
type Document struct {
	// Root is nil for an empty document.
	Root *yaml.Node

	aliased map[*yaml.Node]bool // nodes that an alias points to
	order   []*yaml.Node        // all nodes in the order of the text
	index   map[*yaml.Node]int  // position in order
	after   map[*yaml.Node]int  // position in order of the first node after the subtree
}

// Parse reads all documents in a text; the error is an *Error.
func Parse(src []byte) (docs []*Document, err error) {
	defer func() { // a bug in the parser must not end in a stack trace
		if p := recover(); p != nil {
			docs, err = nil, &Error{Text: fmt.Sprintf("not YAML: %v", p)}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, notYAML(err, 1+bytes.Count(bytes.TrimRight(src, "\r\n"), []byte("\n")))
		}
		docs = append(docs, newDocument(&n))
	}
}

// notYAML moves the line from the parser's message into the error. The text has that many lines.
func notYAML(err error, lines int) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &Error{Hint: "templates (Helm, Jsonnet) have to be rendered first"}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, reason, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				e.Line, text = n, reason
				if strings.HasPrefix(reason, "did not find expected") && n < lines {
					e.Line++ // in these messages the parser counts from 0, the scanner from 1, except at the end of the text
				}
			}
		}
	}
	if strings.Contains(text, "tab character") {
		e.Hint = "indent with spaces"
	}
	e.Text = "not YAML: " + text
	return e
}

// Duplicate finds a key that appears twice in a mapping at or below c: some readers use the first, others the last, and the
// API server refuses it.
func (d *Document) Duplicate(c Cursor) (key, first *yaml.Node) {
	for _, n := range d.order[d.index[c.Node]:d.after[c.Node]] {
		if n.Kind != yaml.MappingNode {
			continue
		}
		seen := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if before := seen[k.Value]; before != nil && k.Kind == yaml.ScalarNode {
				return k, before
			}
			seen[k.Value] = k
		}
	}
	return nil, nil
}

func newDocument(n *yaml.Node) *Document {
	d := &Document{aliased: map[*yaml.Node]bool{}, index: map[*yaml.Node]int{}, after: map[*yaml.Node]int{}}
	if len(n.Content) > 0 {
		d.Root = n.Content[0]
		d.walk(d.Root)
	}
	return d
}

// Top is the document's root.
func (d *Document) Top() Cursor { return Cursor{Node: d.Root, Doc: d} }

// Nodes are all nodes in the order of the text; the caller must not change them.
func (d *Document) Nodes() []*yaml.Node { return d.order }

func (d *Document) walk(n *yaml.Node) {
	d.index[n] = len(d.order)
	d.order = append(d.order, n)
	if n.Kind == yaml.AliasNode {
		d.aliased[n.Alias] = true
	}
	for _, c := range n.Content {
		d.walk(c)
	}
	d.after[n] = len(d.order)
}

// Next is the first node after n's subtree; nil at the end of the document.
func (d *Document) Next(n *yaml.Node) *yaml.Node {
	if i := d.after[n]; i < len(d.order) {
		return d.order[i]
	}
	return nil
}

// nextIn is Next, but nil at the end of the subtree of above.
func (d *Document) nextIn(above, n *yaml.Node) *yaml.Node {
	if d.after[n] == d.after[above] {
		return nil
	}
	return d.Next(n)
}

// Last is the last node of n's subtree.
func (d *Document) Last(n *yaml.Node) *yaml.Node { return d.order[d.after[n]-1] }

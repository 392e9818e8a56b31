package inject

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// verify reads the changed text again: it must say what the input said with the planned
// changes and nothing else, and there must be nothing left to do. Text was edited at the
// places that the parser named, so an unusual layout can spoil the result; then nothing is
// written.
func (p *planner) verify(out []byte) error {
	unsafe := func(line int) error {
		return &Error{
			Line: line, Text: "this layout of the YAML cannot be edited in place",
			Hint: "write the pod in the usual block style, one key per line (kubectl apply --dry-run=client -o yaml does it)",
		}
	}
	docs, err := parse(out)
	if err != nil || len(docs) < len(p.docs) {
		return unsafe(0)
	}
	for i, d := range p.docs {
		if line, ok := p.ed.same(d.root, docs[i].root); !ok {
			return unsafe(line)
		}
	}
	q, again, err := inject(out, p.opts)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, out) {
		return unsafe(q.firstEdit())
	}
	return nil
}

func (p *planner) firstEdit() int {
	for _, n := range p.notes {
		if n.Line > 0 {
			return n.Line
		}
	}
	return 0
}

// same compares a node with what became of it; the line is of the first difference.
func (e *editor) same(before, after *yaml.Node) (line int, ok bool) {
	if before == nil || after == nil {
		return 0, before == after
	}
	if e.grown[before] && before.Kind == yaml.ScalarNode {
		return before.Line, after.Kind == yaml.SequenceNode
	}
	if before.Kind != after.Kind || before.Anchor != after.Anchor || before.ShortTag() != after.ShortTag() {
		return before.Line, false
	}
	switch before.Kind {
	case yaml.SequenceNode:
		return e.sameList(before, after)
	case yaml.MappingNode:
		return e.sameMapping(before, after)
	default:
	}
	want := before.Value
	if text, ok := e.changed[before]; ok {
		want = text
	}
	return before.Line, after.Value == want
}

func (e *editor) sameList(before, after *yaml.Node) (int, bool) {
	i := 0
	for _, c := range before.Content {
		if e.removed[c] {
			continue
		}
		if i == len(after.Content) {
			return c.Line, false
		}
		if line, ok := e.same(c, after.Content[i]); !ok {
			return line, false
		}
		i++
	}
	return before.Line, i == len(after.Content) || e.grown[before]
}

func (e *editor) sameMapping(before, after *yaml.Node) (int, bool) {
	i := 0
	for k := 0; k+1 < len(before.Content); k += 2 {
		if e.removed[before.Content[k]] {
			continue
		}
		// Added keys may stand between the old ones.
		for e.grown[before] && i+1 < len(after.Content) && after.Content[i].Value != before.Content[k].Value {
			i += 2
		}
		if i+1 >= len(after.Content) {
			return before.Content[k].Line, false
		}
		for j := range 2 {
			if line, ok := e.same(before.Content[k+j], after.Content[i+j]); !ok {
				return line, false
			}
		}
		i += 2
	}
	return before.Line, i == len(after.Content) || e.grown[before]
}

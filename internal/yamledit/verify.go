package yamledit

import "go.yaml.in/yaml/v3"

// set marks a node in one of the maps for Same, and lets Rollback undo that.
func (e *Editor) set(m map[*yaml.Node]bool, n *yaml.Node) {
	if !m[n] {
		m[n] = true
		e.undo = append(e.undo, func() { delete(m, n) })
	}
}

func (e *Editor) setText(n *yaml.Node, text string) {
	before, had := e.changed[n]
	e.changed[n] = text
	e.undo = append(e.undo, func() {
		if delete(e.changed, n); had {
			e.changed[n] = before
		}
	})
}

// Mark is a state to roll back to.
type Mark struct {
	edits, undo int
	separated   bool
}

// Mark returns the current state.
func (e *Editor) Mark() Mark { return Mark{len(e.edits), len(e.undo), e.separated} }

// Rollback undoes everything since the mark, and clears the error.
func (e *Editor) Rollback(m Mark) {
	for i := len(e.undo) - 1; i >= m.undo; i-- {
		e.undo[i]()
	}
	e.edits, e.undo, e.separated, e.err = e.edits[:m.edits], e.undo[:m.undo], m.separated, nil
}

// Same reports whether a node and its counterpart in the changed text differ only by the edits. If not, line is that of the first
// other difference.
func (e *Editor) Same(before, after *yaml.Node) (line int, ok bool) {
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

func (e *Editor) sameList(before, after *yaml.Node) (int, bool) {
	i := 0
	for _, c := range before.Content {
		if e.removed[c] {
			continue
		}
		if i == len(after.Content) {
			return c.Line, false
		}
		if line, ok := e.Same(c, after.Content[i]); !ok {
			return line, false
		}
		i++
	}
	return before.Line, i == len(after.Content) || e.grown[before]
}

func (e *Editor) sameMapping(before, after *yaml.Node) (int, bool) {
	i := 0
	for k := 0; k+1 < len(before.Content); k += 2 {
		if e.removed[before.Content[k]] {
			continue
		}
		// Added keys may be between the old ones.
		for e.grown[before] && i+1 < len(after.Content) && after.Content[i].Value != before.Content[k].Value {
			i += 2
		}
		if i+1 >= len(after.Content) {
			return before.Content[k].Line, false
		}
		for j := range 2 {
			if line, ok := e.Same(before.Content[k+j], after.Content[i+j]); !ok {
				return line, false
			}
		}
		i += 2
	}
	return before.Line, i == len(after.Content) || e.grown[before]
}

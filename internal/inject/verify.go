package inject

import (
	"bytes"

	"reloader/internal/yamledit"
)

// verify parses the changed text: it must differ from the input by the planned changes alone, and injecting again must change nothing.
// Edits are made at the positions that the parser reports, so an unusual layout can spoil the result. Then nothing is written.
func (p *planner) verify(out []byte) error {
	unsafe := func(line int) error {
		return &Error{
			Line: line, Text: "this YAML layout cannot be edited in place",
			Hint: "write the pod in the usual block style, one key per line (kubectl apply --dry-run=client -o yaml prints it so)",
		}
	}
	docs, err := yamledit.Parse(out)
	if err != nil || len(docs) < len(p.docs) {
		return unsafe(0)
	}
	for i, d := range p.docs {
		if line, ok := p.ed.Same(d.Root, docs[i].Root); !ok {
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

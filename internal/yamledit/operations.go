package yamledit

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"reloader/internal/lazyregexp"
)

// IsBlock says that a collection is written one element per line, not in brackets.
func IsBlock(n *yaml.Node) bool { return n.Style&yaml.FlowStyle == 0 }

// column is the column of the first key or dash of a block collection, counted from 0; false when an anchor or a tag is
// in front of it.
func (e *Editor) column(n *yaml.Node) (int, bool) {
	if len(n.Content) == 0 || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return 0, false
	}
	if n.Kind == yaml.SequenceNode && e.src[e.offset(n)] != '-' {
		return 0, false
	}
	return n.Column - 1, true
}

// SetScalar replaces a scalar on one line with a text.
func (e *Editor) SetScalar(c Cursor, text string) { e.setScalar(c, text, scalarText(text, false)) }

// SetRaw replaces a scalar on one line with a plain one: a number, a boolean.
func (e *Editor) SetRaw(c Cursor, raw Raw) { e.setScalar(c, string(raw), string(raw)) }

func (e *Editor) setScalar(c Cursor, text, plain string) {
	if !c.OK() {
		e.Fail(c.Line(), "a value is missing where "+text+" has to be written", "complete the mounts: each needs a name and a mountPath")
		return
	}
	if !e.Writable(c) {
		return
	}
	end, ok := e.scalarEnd(c.Node)
	if !e.understood(c.Node, ok) {
		return
	}
	at := e.offset(c.Node)
	var new string
	switch e.src[at] {
	case '"':
		new = quote(text)
	case '\'':
		new = "'" + strings.ReplaceAll(text, "'", "''") + "'"
	default:
		new = plain
	}
	e.replace(at, end, new)
	e.setText(c.Node, text)
}

// AppendItem adds an element to a sequence.
func (e *Editor) AppendItem(seq Cursor, v any, dash int) { e.appendItems(seq, List{v}, dash) }

func (e *Editor) appendItems(seq Cursor, values List, dash int) {
	if !e.Writable(seq) {
		return
	}
	e.set(e.grown, seq.Node)
	if !IsBlock(seq.Node) {
		text := flow(values)
		e.appendFlow(seq, text[1:len(text)-1])
		return
	}
	indent, ok := e.column(seq.Node)
	if !e.understood(seq.Node, ok) {
		return
	}
	line := e.LastLine(seq, indent) + 1
	for _, v := range values {
		e.insertLines(line, blockItem(v, dash), indent)
	}
}

func (e *Editor) appendFlow(c Cursor, text string) {
	end, ok := e.flowEnd(c.Node)
	if !e.understood(c.Node, ok) {
		return
	}
	at := end - 1 // the bracket
	for at > 0 && strings.ContainsRune(" \t\r\n", rune(e.src[at-1])) {
		at--
	}
	if last := e.src[at-1]; len(c.Node.Content) > 0 && last != ',' {
		text = ", " + text
	}
	e.replace(at, at, text)
}

// AddKey adds a key to a mapping: below the key named after if there is one, else at its end.
func (e *Editor) AddKey(m Cursor, after string, f Pair, dash int) {
	if !e.Writable(m) {
		return
	}
	e.set(e.grown, m.Node)
	if !IsBlock(m.Node) {
		key := f.Key()
		if len(m.Node.Content) == 0 || m.Node.Content[0].Style != 0 {
			key = quote(key) // as in JSON
		}
		e.appendFlow(m, key+": "+flow(f.Value()))
		return
	}
	indent, ok := e.column(m.Node)
	if !e.understood(m.Node, ok) {
		return
	}
	behind := m
	if k := m.Get(after); after != "" && k.OK() && k.Key != nil && k.parent == m.Node && !k.shared {
		behind = k
	}
	line := e.LastLine(behind, indent)
	if last := behind.Doc.Last(behind.Node); behind.Node != m.Node && last.Line < behind.Key.Line {
		line = behind.Key.Line // an empty value has no line of its own
	}
	e.insertLines(line+1, blockField(f, dash), indent)
}

// Put adds elements to the list at a key of m, and creates the list if there is none.
func (e *Editor) Put(m Cursor, key, after string, dash int, values ...any) {
	if e.err != nil || len(values) == 0 {
		return
	}
	c := m.Get(key)
	switch {
	case !c.OK():
		e.AddKey(m, after, Pair{key, List(values)}, dash)
	case c.Null() && c.Node.Value == "" && !c.shared && c.Node.Anchor == "" && IsBlock(m.Node):
		e.set(e.grown, c.Node)
		e.insertLines(c.Key.Line+1, block(List(values), dash), c.Key.Column-1+dash)
	default:
		e.appendItems(c, values, dash)
	}
}

// RemoveKey deletes a key with a one-line value.
func (e *Editor) RemoveKey(m Cursor, key string) {
	c := m.Get(key)
	if !c.OK() || !e.Writable(m) || !e.Writable(c) {
		return
	}
	end, ok := e.scalarEnd(c.Node)
	if !e.understood(c.Node, ok && c.Key != nil && c.Key.Line == c.Node.Line) {
		return
	}
	e.set(e.removed, c.Key)
	from := e.offset(c.Key)
	next := c.Doc.nextIn(m.Node, c.Node)
	switch {
	case !IsBlock(m.Node):
		e.removeFlow(c.Node, from, end, next)
	case strings.TrimSpace(string(e.src[e.lineStart(c.Key.Line):from])) == "":
		e.replace(e.lineStart(c.Key.Line), e.lineStart(c.Key.Line+1), "")
	case e.understood(c.Node, next != nil): // the key is on the line of the dash: the next key moves there
		e.keepComments(c.Key.Line, next.Line)
		e.replace(from, e.offset(next), "")
	}
}

// keepComments moves the comments between two lines above the first line.
func (e *Editor) keepComments(line, next int) {
	for l := line + 1; l < next; l++ {
		if t := e.LineText(l); strings.HasPrefix(strings.TrimLeft(t, " \t"), "#") {
			e.insertLines(line, []string{t}, 0)
		}
	}
}

// removeFlow deletes n, the bytes between two offsets, and the comma next to it. It never removes a comment, because it is
// unclear which element of a flow collection a comment belongs to.
func (e *Editor) removeFlow(n *yaml.Node, from, to int, next *yaml.Node) {
	if next != nil {
		to = e.offset(next)
	} else {
		for from > 0 && strings.ContainsRune(" \t\r\n,", rune(e.src[from-1])) {
			from--
		}
	}
	if e.understood(n, !commentStart().Match(e.src[from:to])) {
		e.replace(from, to, "")
	}
}

// commentStart finds comments, and quoted texts that look like one.
var commentStart = lazyregexp.New(`(^|\s)#`)

// RemoveItem deletes an element of a sequence.
func (e *Editor) RemoveItem(seq, item Cursor) {
	if !e.Writable(seq) || !e.Writable(item) {
		return
	}
	e.set(e.removed, item.Node)
	if !IsBlock(seq.Node) {
		end, ok := e.end(item.Node)
		if !e.understood(item.Node, ok) {
			return
		}
		next := item.Doc.nextIn(seq.Node, item.Node)
		from := e.offset(item.Node)
		if next == nil {
			// The elements before it may be removed too, with their commas.
			for i := slices.Index(seq.Node.Content, item.Node) - 1; i >= 0 && e.removed[seq.Node.Content[i]]; i-- {
				from = e.offset(seq.Node.Content[i])
			}
		}
		e.removeFlow(item.Node, from, end, next)
		return
	}
	first := item.Node.Line
	before := strings.TrimSpace(string(e.src[e.lineStart(first):e.offset(item.Node)]))
	if e.understood(item.Node, before == "-") {
		e.replace(e.lineStart(first), e.lineStart(e.LastLine(item, 1<<30)+1), "")
	}
}

// Text is the source of a collection, padded with blanks to the column where it begins; false when it is shared or its layout
// is not understood.
func (e *Editor) Text(c Cursor) ([]byte, bool) {
	if c.shared || c.Node.Kind == yaml.ScalarNode {
		return nil, false
	}
	from := e.offset(c.Node)
	to, ok := e.flowEnd(c.Node)
	if IsBlock(c.Node) {
		indent, block := e.column(c.Node)
		to, ok = e.lineStart(e.LastLine(c, indent-1)+1), block
	}
	if !ok || to < from {
		return nil, false
	}
	return append(bytes.Repeat([]byte(" "), c.Node.Column-1), e.src[from:to]...), true
}

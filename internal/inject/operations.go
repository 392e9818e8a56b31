package inject

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func isBlock(n *yaml.Node) bool { return n.Style&yaml.FlowStyle == 0 }

// column is where the first key or dash of a block collection is, counted from 0; false when
// an anchor or tag hides it.
func (e *editor) column(n *yaml.Node) (int, bool) {
	if len(n.Content) == 0 || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return 0, false
	}
	if n.Kind == yaml.SequenceNode && e.src[e.offset(n)] != '-' {
		return 0, false
	}
	return n.Column - 1, true
}

// setScalar replaces a one-line scalar.
func (e *editor) setScalar(c cursor, text string) {
	if !c.ok() {
		e.fail(c.line(), "a value is missing where "+text+" has to be written", "complete the mounts: each has a name and a mountPath")
		return
	}
	if !e.writable(c) {
		return
	}
	end, ok := e.scalarEnd(c.n)
	if !ok {
		e.layout(c.n)
		return
	}
	at := e.offset(c.n)
	var new string
	switch e.src[at] {
	case '"':
		new = quote(text)
	case '\'':
		new = "'" + strings.ReplaceAll(text, "'", "''") + "'"
	default:
		new = scalarText(text, false)
	}
	e.replace(at, end, new)
	e.changed[c.n] = text
}

// appendItem adds an element to a sequence.
func (e *editor) appendItem(seq cursor, v any, dash int) {
	if !e.writable(seq) {
		return
	}
	e.grown[seq.n] = true
	if !isBlock(seq.n) {
		e.appendFlow(seq, flow(v))
		return
	}
	indent, ok := e.column(seq.n)
	if !ok {
		e.layout(seq.n)
		return
	}
	e.insertLines(e.lastLine(seq, indent)+1, blockItem(v, dash), indent)
}

func (e *editor) appendFlow(c cursor, text string) {
	end, ok := e.flowEnd(c.n)
	if !ok {
		e.layout(c.n)
		return
	}
	at := end - 1 // the bracket
	for at > 0 && strings.ContainsRune(" \t\r\n", rune(e.src[at-1])) {
		at--
	}
	if last := e.src[at-1]; len(c.n.Content) > 0 && last != ',' {
		text = ", " + text
	}
	e.replace(at, at, text)
}

// addKey adds a key to a mapping: behind the key called after if there is one, else at its end.
func (e *editor) addKey(m cursor, after string, f field, dash int) {
	if !e.writable(m) {
		return
	}
	e.grown[m.n] = true
	if !isBlock(m.n) {
		key := f.key
		if len(m.n.Content) == 0 || m.n.Content[0].Style != 0 {
			key = quote(key) // as in JSON
		}
		e.appendFlow(m, key+": "+flow(f.value))
		return
	}
	indent, ok := e.column(m.n)
	if !ok {
		e.layout(m.n)
		return
	}
	behind := m
	if k := m.get(after); after != "" && k.ok() && k.key != nil && k.parent == m.n && !k.shared {
		behind = k
	}
	line := e.lastLine(behind, indent)
	if last := behind.doc.last(behind.n); behind.n != m.n && last.Line < behind.key.Line {
		line = behind.key.Line // an empty value has no place of its own
	}
	e.insertLines(line+1, blockField(f, dash), indent)
}

// put adds elements to the list at m's key, making the list where there is none.
func (e *editor) put(m cursor, key, after string, dash int, values ...any) {
	if e.err != nil || len(values) == 0 {
		return
	}
	c := m.get(key)
	switch {
	case !c.ok():
		e.addKey(m, after, field{key, list(values)}, dash)
	case c.null() && c.n.Value == "" && !c.shared && c.n.Anchor == "" && isBlock(m.n):
		e.grown[c.n] = true
		e.insertLines(c.key.Line+1, block(list(values), dash), c.key.Column-1+dash)
	default:
		for _, v := range values {
			e.appendItem(c, v, dash)
		}
	}
}

// removeKey deletes a key with a one-line value.
func (e *editor) removeKey(m cursor, key string) {
	c := m.get(key)
	if !c.ok() || !e.writable(m) || !e.writable(c) {
		return
	}
	end, ok := e.scalarEnd(c.n)
	if !ok || c.key == nil || c.key.Line != c.n.Line {
		e.layout(c.n)
		return
	}
	e.removed[c.key] = true
	from := e.offset(c.key)
	next := c.doc.next(c.n)
	if next != nil && c.doc.index[next] >= c.doc.after[m.n] {
		next = nil
	}
	switch {
	case !isBlock(m.n):
		e.removeFlow(c.n, from, end, next)
	case strings.TrimSpace(string(e.src[e.lineStart(c.key.Line):from])) == "":
		e.replace(e.lineStart(c.key.Line), e.lineStart(c.key.Line+1), "")
	case next == nil:
		e.layout(c.n)
	default: // the key shares its line with the dash: the next key takes its place
		e.keepComments(c.key.Line, next.Line)
		e.replace(from, e.offset(next), "")
	}
}

// keepComments moves the comments between two lines above the first of them.
func (e *editor) keepComments(line, next int) {
	for l := line + 1; l < next; l++ {
		if t := e.lineText(l); strings.HasPrefix(strings.TrimLeft(t, " \t"), "#") {
			e.insertLines(line, []string{t}, 0)
		}
	}
}

// removeFlow deletes n, which reaches to a place, and the comma beside it. Comments between the elements
// of a flow collection belong to nobody in particular, so none of them is taken away.
func (e *editor) removeFlow(n *yaml.Node, from, to int, next *yaml.Node) {
	if next != nil {
		to = e.offset(next)
	} else {
		for from > 0 && strings.ContainsRune(" \t\r\n,", rune(e.src[from-1])) {
			from--
		}
	}
	if commentStart.Match(e.src[from:to]) {
		e.layout(n)
		return
	}
	e.replace(from, to, "")
}

// commentStart finds comments, and texts in quotes that look like one.
var commentStart = regexp.MustCompile(`(^|\s)#`)

// removeItem deletes an element of a sequence.
func (e *editor) removeItem(seq, item cursor) {
	if !e.writable(seq) || !e.writable(item) {
		return
	}
	e.removed[item.n] = true
	if !isBlock(seq.n) {
		end, ok := e.end(item.n)
		if !ok {
			e.layout(item.n)
			return
		}
		next := item.doc.next(item.n)
		if next != nil && item.doc.index[next] >= item.doc.after[seq.n] {
			next = nil
		}
		from := e.offset(item.n)
		if next == nil {
			// The elements before it may have gone too, and their commas with them.
			for i := slices.Index(seq.n.Content, item.n) - 1; i >= 0 && e.removed[seq.n.Content[i]]; i-- {
				from = e.offset(seq.n.Content[i])
			}
		}
		e.removeFlow(item.n, from, end, next)
		return
	}
	first := item.n.Line
	before := strings.TrimSpace(string(e.src[e.lineStart(first):e.offset(item.n)]))
	if before != "-" {
		e.layout(item.n)
		return
	}
	e.replace(e.lineStart(first), e.lineStart(e.lastLine(item, 1<<30)+1), "")
}

package yamledit

import (
	"bytes"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Editor collects changes to the text at the positions where the parser saw the nodes. Every line without a change
// keeps its bytes.
type Editor struct {
	*Lines
	eol   string
	edits []edit
	err   error
	// separated says that a JSON text got a separator in front, so that it can be followed by YAML documents.
	separated bool
	// What Same expects of the changed text: new texts of scalars, nodes that are removed, and collections that got more
	// elements.
	changed map[*yaml.Node]string
	removed map[*yaml.Node]bool
	grown   map[*yaml.Node]bool
	undo    []func()
}

type edit struct {
	from, to int
	text     string
	rank     int // at the same place, the highest comes first (see insertLines)
}

// NewEditor makes an editor of src, which is not modified.
func NewEditor(src []byte) *Editor {
	e := &Editor{
		Lines: NewLines(src), eol: "\n",
		changed: map[*yaml.Node]string{}, removed: map[*yaml.Node]bool{}, grown: map[*yaml.Node]bool{},
	}
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		e.eol = "\r\n"
	}
	return e
}

// Err is an *Error about the first thing that could not be edited; nil when there is none.
func (e *Editor) Err() error { return e.err }

// Removed reports whether n, a key or an element of a list, is being removed.
func (e *Editor) Removed(n *yaml.Node) bool { return e.removed[n] }

// Fail sets the error, unless there is one already.
func (e *Editor) Fail(line int, text, hint string) {
	if e.err == nil {
		e.err = &Error{Line: line, Text: text, Hint: hint}
	}
}

// understood returns ok; if that is false, the error is the layout of n.
func (e *Editor) understood(n *yaml.Node, ok bool) bool {
	if !ok {
		e.Fail(n.Line, "this YAML layout cannot be edited in place", "write it in the usual block style, one key per line")
	}
	return ok
}

// Writable reports whether c may be edited; if it is shared, that is the error.
func (e *Editor) Writable(c Cursor) bool {
	if c.shared {
		e.Fail(c.Line(), "this part is shared through a YAML anchor or merge key, so a change here would change other places too",
			"write it out in full here")
		return false
	}
	return e.err == nil
}

// LineText is one line without its break.
func (e *Editor) LineText(line int) string {
	text, _ := e.Line(line)
	return text
}

// offset is where n starts.
func (e *Editor) offset(n *yaml.Node) int { return e.lineStart(n.Line) + e.Offset(n.Line, n.Column) }

// scalarEnd is where n ends if it is a scalar on one line; false for any other layout.
func (e *Editor) scalarEnd(n *yaml.Node) (int, bool) {
	at := e.offset(n)
	rest := e.src[at:e.lineStart(n.Line+1)]
	switch {
	case n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0:
		return 0, false
	case n.Style == 0:
		return at + len(n.Value), n.Value != "" && bytes.HasPrefix(rest, []byte(n.Value))
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		end := quotedEnd(rest)
		return at + end, end > 0
	}
	return 0, false
}

// quotedEnd is the length of the quoted text that b starts with; 0 when there is none or its closing quote is missing.
func quotedEnd(b []byte) int {
	if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
		return 0
	}
	for i := 1; i < len(b); i++ {
		switch {
		case b[0] == '"' && b[i] == '\\':
			i++
		case b[i] == b[0] && b[0] == '\'' && i+1 < len(b) && b[i+1] == '\'':
			i++
		case b[i] == b[0]:
			return i + 1
		}
	}
	return 0
}

// flowEnd is where the flow collection n ends, after its closing bracket.
func (e *Editor) flowEnd(n *yaml.Node) (int, bool) {
	at := e.offset(n)
	if at >= len(e.src) || e.src[at] != '[' && e.src[at] != '{' {
		return 0, false // an anchor or a tag stands before it
	}
	depth := 0
	for i := at; i < len(e.src); i++ {
		switch c := e.src[i]; c {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '"', '\'':
			// Inside a plain word, a quote is an ordinary character.
			if strings.ContainsRune(" \t\r\n,[{:", rune(e.src[i-1])) {
				n := quotedEnd(e.src[i:])
				if n == 0 {
					return 0, false
				}
				i += n - 1
			}
		case '#':
			if strings.ContainsRune(" \t\r\n", rune(e.src[i-1])) {
				for i < len(e.src) && e.src[i] != '\n' {
					i++
				}
			}
		}
	}
	return 0, false
}

func (e *Editor) end(n *yaml.Node) (int, bool) {
	if n.Kind == yaml.ScalarNode {
		return e.scalarEnd(n)
	}
	if n.Style&yaml.FlowStyle != 0 {
		return e.flowEnd(n)
	}
	return 0, false
}

// LastLine is the last line of c's subtree. Comment lines below it count if they are indented deeper than indent, or if they
// are text in a block scalar.
func (e *Editor) LastLine(c Cursor, indent int) int {
	d := c.Doc
	leaf := d.Last(c.Node)
	line := len(e.starts) - 1
	if next := d.Next(c.Node); next != nil {
		line = next.Line - 1
	} else {
		for l := leaf.Line + 1; l < len(e.starts); l++ {
			if t := e.LineText(l); strings.HasPrefix(t, "---") || strings.HasPrefix(t, "...") {
				line = l - 1
				break
			}
		}
	}
	for ; line > leaf.Line; line-- {
		text := e.LineText(line)
		trimmed := strings.TrimLeft(text, " \t")
		outside := len(text)-len(trimmed) <= indent
		// A dash can be on a line above its element, alone or with a comment.
		rest := strings.TrimLeft(trimmed, "- \t")
		if trimmed == "" || outside && (rest == "" || rest[0] == '#') {
			continue
		}
		break
	}
	return line
}

// replace replaces the bytes between two offsets.
func (e *Editor) replace(from, to int, text string) {
	e.edits = append(e.edits, edit{from: from, to: to, text: text})
}

// insertLines inserts lines before the given line. At the same place, deeper lines come first, and items come before keys:
// the dashes of a list may have the indentation of the key that follows it.
func (e *Editor) insertLines(before int, lines []string, indent int) {
	at := e.lineStart(before)
	pad := strings.Repeat(" ", indent)
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(pad + l + e.eol)
	}
	rank := 2 * indent
	if len(lines) > 0 && strings.HasPrefix(lines[0], "- ") {
		rank++
	}
	e.edits = append(e.edits, edit{from: at, to: at, text: b.String(), rank: rank})
}

// AppendDocument adds a document at the end. kubectl reads a file that begins as JSON as JSON up to its end, unless it begins
// with a separator: separated reports whether this call put one there.
func (e *Editor) AppendDocument(m Map, dash int) (separated bool) {
	at := len(e.src) - len(bytes.TrimPrefix(e.src, []byte("\xef\xbb\xbf")))
	if bytes.HasPrefix(bytes.TrimSpace(e.src[at:]), []byte("{")) && !e.separated {
		e.separated, separated = true, true
		e.replace(at, at, "---"+e.eol)
	}
	e.insertLines(len(e.starts)+1, append([]string{"---"}, block(m, dash)...), 0)
	return separated
}

// Apply returns the changed text.
func (e *Editor) Apply() ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	sort.SliceStable(e.edits, func(i, j int) bool {
		a, b := e.edits[i], e.edits[j]
		return a.from < b.from || a.from == b.from && a.rank > b.rank
	})
	var out bytes.Buffer
	at := 0
	for _, ed := range e.edits {
		if ed.text == "" && ed.from < at { // overlapping removals
			at = max(at, ed.to)
			continue
		}
		if ed.from < at {
			return nil, &Error{Text: "two edits overlap", Hint: "write the containers in the usual block style, one key per line"}
		}
		out.Write(e.src[at:ed.from])
		if ed.from == len(e.src) && ed.text != "" && out.Len() > 0 && lineBreak(out.Bytes()[out.Len()-1:]) == 0 {
			out.WriteString(e.eol)
		}
		out.WriteString(ed.text)
		at = ed.to
	}
	out.Write(e.src[at:])
	return out.Bytes(), nil
}

package yamledit

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// editor collects changes of text at the places where the parser saw the nodes, so that every
// line that is not touched keeps its bytes.
type Editor struct {
	*Lines
	eol   string
	edits []edit
	err   error
	// separated says that a text in JSON got a separator, to be YAML with further documents.
	separated bool
	// What the changed text must say, for verify: new texts of scalars, what is gone, and what
	// got more elements.
	changed map[*yaml.Node]string
	removed map[*yaml.Node]bool
	grown   map[*yaml.Node]bool
	undo    []func()
}

type edit struct {
	from, to int
	text     string
	rank     int // at one place, what belongs to an inner collection comes first
}

// NewEditor edits src, which stays as it is.
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

// Err is the first thing that could not be edited, an *Error; nil when there is none.
func (e *Editor) Err() error { return e.err }

// Removed says that n, a key or an element of a list, is being removed.
func (e *Editor) Removed(n *yaml.Node) bool { return e.removed[n] }

// Fail remembers the first thing that cannot be edited.
func (e *Editor) Fail(line int, text, hint string) {
	if e.err == nil {
		e.err = &Error{Line: line, Text: text, Hint: hint}
	}
}

// understood complains about the layout of n unless ok.
func (e *Editor) understood(n *yaml.Node, ok bool) bool {
	if !ok {
		e.Fail(n.Line, "this YAML layout cannot be edited in place", "write it in the usual block style, one key per line")
	}
	return ok
}

// Writable says whether c may be edited, and complains if not.
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

// scalarEnd is where the one-line scalar n ends; false for any other layout.
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

// quotedEnd is the length of the quoted text that b starts with; 0 when it does not end in b.
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

// flowEnd is where the flow collection n ends: behind its closing bracket.
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
			// A quote inside a plain word is no quote.
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

// LastLine is the last line of c's subtree. Comment lines below it belong to it when they are
// indented deeper than indent, or when they are text of a block scalar.
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
		// A dash can stand alone, or with a comment, above its element.
		rest := strings.TrimLeft(trimmed, "- \t")
		if trimmed == "" || outside && (rest == "" || rest[0] == '#') {
			continue
		}
		break
	}
	return line
}

// replace puts text in the place of the bytes between two offsets.
func (e *Editor) replace(from, to int, text string) {
	e.edits = append(e.edits, edit{from: from, to: to, text: text})
}

// insertLines puts lines before the given line. At one place the deeper ones come first, and
// items before keys: a list may be no deeper than the key behind it.
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

// AppendDocument adds a document. A file that begins as JSON is read as JSON to its end by
// kubectl, unless a separator says that it is YAML: separated says that one was put there.
func (e *Editor) AppendDocument(m Map, dash int) (separated bool) {
	at := len(e.src) - len(bytes.TrimPrefix(e.src, []byte("\xef\xbb\xbf")))
	if bytes.HasPrefix(bytes.TrimSpace(e.src[at:]), []byte("{")) && !e.separated {
		e.separated, separated = true, true
		e.replace(at, at, "---"+e.eol)
	}
	e.insertLines(len(e.starts)+1, append([]string{"---"}, block(m, dash)...), 0)
	return separated
}

// Apply makes the changed text.
func (e *Editor) Apply() ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	slices.SortStableFunc(e.edits, func(a, b edit) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.rank - a.rank
	})
	var out bytes.Buffer
	at := 0
	for _, ed := range e.edits {
		if ed.text == "" && ed.from < at { // what is gone twice is gone
			at = max(at, ed.to)
			continue
		}
		if ed.from < at {
			return nil, &Error{Text: "two edits overlap at this line", Hint: "write the containers in the usual block style, one key per line"}
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

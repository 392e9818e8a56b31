package manifest

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"reloader/internal/yamledit"
)

// Position maps places in a value to places in the manifest. Lines and columns count from 1, columns in characters.
type Position struct {
	line, column int // of the value
	starts       []int
	text         string
	runes        *yamledit.Runes // of text
	segments     []segment
}

// segment is a run of characters that the manifest and the value have in common.
type segment struct {
	at           int // offset in the value
	line, column int
}

// At is where the manifest has a line and column of the value. It is not exact when the manifest does not have the value as text
// (base64, or a layout that is not understood): then it is where the value begins.
func (p *Position) At(line, column int) (l, c int, exact bool) {
	if len(p.segments) == 0 || line < 1 || line > len(p.starts) {
		return p.line, p.column, false
	}
	start, end := p.starts[line-1], len(strings.TrimSuffix(p.text, "\n"))
	if line < len(p.starts) {
		end = p.starts[line] - 1
	}
	at := min(p.runes.Offset(p.runes.Number(start)+max(column, 1)-1), end)
	i, found := slices.BinarySearchFunc(p.segments, at, func(s segment, at int) int { return s.at - at })
	if !found {
		i--
	}
	if i < 0 {
		return p.line, p.column, false
	}
	s := p.segments[i]
	if s.at < start && column <= 1 {
		// Only the break before this line is in the manifest here: the line is empty, or its text begins in a later segment.
		return s.line, s.column, true
	}
	return s.line, s.column + p.runes.Number(at) - p.runes.Number(s.at), true
}

// locate finds where each part of the scalar n is in the source.
func locate(lines *yamledit.Lines, n *yaml.Node) *Position {
	p := &Position{line: n.Line, column: n.Column, text: n.Value, runes: yamledit.NewRunes([]byte(n.Value)), starts: []int{0}}
	for i := range len(n.Value) {
		if n.Value[i] == '\n' && i+1 < len(n.Value) {
			p.starts = append(p.starts, i+1)
		}
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		return p
	case n.Style&yaml.LiteralStyle != 0 || n.Style&yaml.FoldedStyle != 0:
		p.segments = block(lines, n)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		p.segments = quoted(lines, n, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		p.segments = quoted(lines, n, '\'')
	default:
		p.segments = quoted(lines, n, 0)
	}
	return p
}

// block matches a literal or folded scalar with the source, line by line; nil when they differ. Between lines, the value has only
// breaks or, after folding, blanks.
func block(lines *yamledit.Lines, n *yaml.Node) []segment {
	var list []segment
	at, indent := 0, -1
	head, _ := lines.Line(n.Line)
	if i := strings.IndexAny(head[min(len(head), max(0, n.Column-1)):], "123456789"); i >= 0 && i < 3 {
		// An explicit indentation is relative to that of the parent, which is only known if the parent is in this line.
		if n.Column > 1 && strings.Trim(head[:n.Column-1], " ") == "" {
			return nil // the parent is in another line
		}
		digit, _ := strconv.Atoi(head[n.Column-1+i : n.Column+i])
		base := len(head) - len(strings.TrimLeft(head, " -"))
		indent = base + digit
	}
	for line := n.Line + 1; at < len(n.Value); line++ {
		text, ok := lines.Line(line)
		if !ok {
			return nil
		}
		trimmed := strings.TrimLeft(text, " ")
		if indent < 0 && trimmed != "" {
			indent = len(text) - len(trimmed)
		}
		body := ""
		if indent >= 0 && len(text) > indent {
			body = text[indent:]
		}
		if body == "" {
			// The break of an empty line. Folding may have turned the previous break into a blank.
			if at < len(n.Value) && n.Value[at] == '\n' {
				list = append(list, segment{at, line, 1})
				at++
			}
			continue
		}
		if n.Style&yaml.FoldedStyle != 0 {
			for at < len(n.Value) && !strings.HasPrefix(n.Value[at:], body) && (n.Value[at] == ' ' || n.Value[at] == '\n') {
				at++
			}
		}
		if !strings.HasPrefix(n.Value[at:], body) {
			return nil
		}
		list = append(list, segment{at, line, indent + 1})
		at += len(body)
		if at < len(n.Value) {
			at++ // the break, or the blank that folding made of it
		}
	}
	return list
}

// quoted matches a quoted or plain scalar with the source, character by character; nil when the result is not the value that the
// parser read.
func quoted(lines *yamledit.Lines, n *yaml.Node, quote byte) []segment {
	q := &quotedScalar{lines: lines, quote: quote, want: n.Value, column: n.Column}
	if !q.goTo(n.Line) {
		return nil
	}
	// The parser also reads UTF-16, with other lines and columns than these bytes have.
	q.pos = min(lines.Offset(n.Line, n.Column), len(q.text))
	if !q.prefix() || !q.run() {
		return nil
	}
	return q.list
}

type quotedScalar struct {
	lines  *yamledit.Lines
	text   string // of the line
	solid  int    // offset in text: blanks before it are followed by something else in this line
	pos    int    // offset in text
	line   int
	column int
	quote  byte
	want   string
	at     int // offset in want
	list   []segment
	broken bool // the next character is not directly after the previous one in the source
}

// prefix skips an anchor or a tag, and the opening quote.
func (q *quotedScalar) prefix() bool {
	for q.pos < len(q.text) && (q.text[q.pos] == '&' || q.text[q.pos] == '!') {
		i := strings.IndexAny(q.text[q.pos:], " \t")
		if i < 0 {
			return false
		}
		for q.pos+i < len(q.text) && (q.text[q.pos+i] == ' ' || q.text[q.pos+i] == '\t') {
			i++
		}
		q.column += utf8.RuneCountInString(q.text[q.pos : q.pos+i])
		q.pos += i
	}
	if q.quote != 0 {
		if q.pos >= len(q.text) || q.text[q.pos] != q.quote {
			return false
		}
		q.pos++
		q.column++
	}
	q.broken = true
	return true
}

// emit matches the next text of the value with that many bytes of the source; false when the value has another text there.
func (q *quotedScalar) emit(text string, source int) bool {
	if !strings.HasPrefix(q.want[q.at:], text) {
		return false
	}
	if q.broken || text != q.text[q.pos:q.pos+source] {
		q.list = append(q.list, segment{q.at, q.line, q.column})
	}
	q.broken = text != q.text[q.pos:q.pos+source]
	q.at += len(text)
	q.column += utf8.RuneCountInString(q.text[q.pos : q.pos+source])
	q.pos += source
	return true
}

func (q *quotedScalar) run() bool {
	for q.at < len(q.want) {
		rest := q.text[q.pos:]
		switch {
		case q.ended():
			if !q.fold() {
				return false
			}
		case q.quote == '"' && rest[0] == '\\':
			if len(rest) == 1 { // an escaped line break is not part of the value
				if !q.next() {
					return false
				}
				continue
			}
			text, source := escape(rest)
			if source == 0 || !q.emit(text, source) {
				return false
			}
		case q.quote == '\'' && strings.HasPrefix(rest, "''"):
			if !q.emit("'", 2) {
				return false
			}
		case q.quote != 0 && rest[0] == q.quote:
			return false // it ends before the value does
		default:
			_, size := utf8.DecodeRuneInString(rest)
			if !q.emit(rest[:size], size) {
				return false
			}
		}
	}
	return true
}

// next goes to the first character of the next line.
func (q *quotedScalar) next() bool {
	if !q.goTo(q.line + 1) {
		return false
	}
	q.pos = len(q.text) - len(strings.TrimLeft(q.text, " \t"))
	q.column, q.broken = q.pos+1, true
	return true
}

// goTo goes to the beginning of a line; false when there is none.
func (q *quotedScalar) goTo(line int) (ok bool) {
	q.line, q.solid = line, 0
	q.text, ok = q.lines.Line(line)
	return ok
}

// ended reports whether only blanks follow in the line. It scans no run of blanks twice.
func (q *quotedScalar) ended() bool {
	if q.pos < q.solid {
		return false
	}
	q.solid = len(q.text) - len(strings.TrimLeft(q.text[q.pos:], " \t"))
	return q.solid == len(q.text)
}

// fold reads a folded line break: a blank, or as many breaks as there are empty lines.
func (q *quotedScalar) fold() bool {
	breaks := 0
	for {
		if !q.next() {
			return false
		}
		if q.pos < len(q.text) {
			break
		}
		breaks++
	}
	text := " "
	if breaks > 0 {
		text = strings.Repeat("\n", breaks)
	}
	if !strings.HasPrefix(q.want[q.at:], text) {
		return false
	}
	q.list = append(q.list, segment{q.at, q.line, q.column})
	q.at += len(text)
	q.broken = true
	return true
}

var simpleEscapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': "\"", '\'': "'", '/': "/", '\\': "\\", 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// escape reads an escape sequence in double quotes, and returns its length in the source; 0 when it is invalid.
func escape(s string) (text string, source int) {
	if text, ok := simpleEscapes[s[1]]; ok {
		return text, 2
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if digits == 0 || len(s) < 2+digits {
		return "", 0
	}
	n, err := strconv.ParseUint(s[2:2+digits], 16, 32)
	if err != nil {
		return "", 0
	}
	return string(rune(n)), 2 + digits
}

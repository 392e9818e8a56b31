package yamlslip

import (
	"strings"
	"unicode/utf8"

	"reloader/internal/lazyregexp"
)

// sourceLine is a line of a YAML file as a person sees it, without a parser's idea of its structure.
type sourceLine struct {
	text   string
	indent int
	// inside says that the line continues a text or a collection from above, or is blank or only a comment.
	inside bool
	// values are the columns (bytes, from 0) at which values without quotes begin.
	values []int
}

// open is a quote or a bracket that opens on a line and is not closed where it should be.
type open struct {
	line int // from 1
	at   int // the byte on the line, from 0
	mark byte
	// until is the last line that may belong to it.
	until int
}

// Text is a YAML file as it is written, line by line. It understands quotes, flow collections, block texts and comments. It
// recovers where a parser must give up: after a quote that is never closed, the next line is a normal line.
type Text struct {
	lines []sourceLine
	opens []open
	rests []rest
	// block is the column below which a block text ends; -1 outside of one. Its lines begin at base: the indentation of its
	// first line, -1 before that line.
	block, base int
	begins      int // the line of its | or >, from 1
	shorts      []short
	ended       *short // the line that ended a block text, until the next line shows whether that was a mistake
	quote       *open
	flow        []open
}

// short is a line that is indented less than the block text around it: it ends the text in its middle.
type short struct {
	line, begins, base int
	// outside says that the line looks like a key of the mapping around the text, but the lines after it show that it is not.
	outside bool
}

var reBlockLine = lazyregexp.New(`^\s*(?:- +)*(?:["']?[A-Za-z_][\w\[\].-]*["']?:(?:\s|$)|-\s)`)

// Scan reads a file line by line; it never fails.
func Scan(content []byte) *Text {
	s := &Text{block: -1}
	texts := Lines(string(content))
	for i := range texts {
		texts[i] = strings.TrimRight(texts[i], "\r\n") // another line break stays: it is not easily seen, so it is worth a word
	}
	next := 0 // the first line after line i that is neither blank nor a comment
	for i := range texts {
		for next <= i || next < len(texts) && blankOrComment(texts[next]) {
			next++
		}
		s.line(i, texts[i])
		// A quote that swallows keys and items was never closed.
		if q := s.quote; q != nil && q.line == i+1 && swallows(texts, i, q) {
			s.opens, s.quote = append(s.opens, *q), nil
		}
		if n := len(s.flow); n > 0 && strings.TrimSpace(texts[i]) != "" && runsAway(texts, next, s.flow[n-1]) {
			s.flow[0].until = i + 1
			s.opens, s.flow = append(s.opens, s.flow[0]), nil
		}
	}
	return s
}

// swallows reports whether the quote that is open at the end of line i (from 0) continues over lines that are not text:
// keys, items, or a closing quote with something after it.
func swallows(texts []string, i int, q *open) bool {
	q.until = i + 1
	for j := i + 1; j < len(texts); j++ {
		q.until = j + 1
		end := closing(texts[j], q.mark)
		inner := texts[j]
		if end >= 0 {
			inner = texts[j][:end]
		}
		if reBlockLine().MatchString(inner) {
			return true
		}
		if end >= 0 {
			rest := strings.TrimSpace(texts[j][end+1:])
			return rest != "" && !strings.ContainsAny(rest[:1], "#,]}:")
		}
	}
	return true // to the end of the file
}

func blankOrComment(text string) bool {
	text = strings.TrimSpace(text)
	return text == "" || text[0] == '#'
}

// runsAway reports whether an open bracket continues over the next line (from 0) although that does not belong to it.
func runsAway(texts []string, next int, b open) bool {
	if next == len(texts) {
		return true
	}
	text := texts[next]
	if strings.ContainsAny(strings.TrimSpace(text)[:1], "]}") {
		return false
	}
	depth := len(texts[b.line-1]) - len(strings.TrimLeft(texts[b.line-1], " -"))
	indent := len(text) - len(strings.TrimLeft(text, " "))
	return indent < depth || reBlockLine().MatchString(text) && (b.mark == '[' || indent == depth)
}

// closing is the index of the closing quote on a line; -1 when there is none.
func closing(line string, mark byte) int {
	for i := 0; i < len(line); i++ {
		switch {
		case mark == '"' && line[i] == '\\':
			i++
		case line[i] != mark:
		case mark == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
		default:
			return i
		}
	}
	return -1
}

func (s *Text) line(i int, text string) {
	l := sourceLine{text: text, indent: len(text) - len(strings.TrimLeft(text, " "))}
	blank := strings.Trim(text, " \t\r") == ""
	if e := s.ended; e != nil && !blank {
		if l.indent >= e.base && s.block < 0 {
			s.shorts = append(s.shorts, *e)
		}
		s.ended = nil
	}
	switch {
	case s.block >= 0 && (blank || l.indent >= s.block):
		l.inside = true
		s.lines = append(s.lines, l)
		switch {
		case blank:
		case s.base < 0:
			s.base = l.indent
		case l.indent < s.base:
			s.shorts = append(s.shorts, short{i + 1, s.begins, s.base, false})
		}
		return
	case s.quote != nil, len(s.flow) > 0, blank, strings.HasPrefix(strings.TrimSpace(text), "#"):
		l.inside = true
	}
	if s.block >= 0 && s.base > 0 {
		s.ended = &short{i + 1, s.begins, s.base, true}
	}
	s.block = -1
	s.lines = append(s.lines, l)
	s.tokens(i, text)
}

// tokens scans the tokens of a line.
func (s *Text) tokens(i int, text string) {
	at := 0
	if s.quote != nil {
		end := closing(text, s.quote.mark)
		if end < 0 {
			return
		}
		s.quote, at = nil, end+1
	}
	key := len(text) - len(strings.TrimLeft(text, " ")) // the column of the last key or dash
	for at < len(text) {
		c := text[at]
		switch {
		case c == ' ' || c == '\t':
			at++
		case c == '#' && (at == 0 || text[at-1] == ' ' || text[at-1] == '\t'):
			return
		case c == '"' || c == '\'':
			end := closing(text[at+1:], c)
			if end < 0 {
				s.quote = &open{line: i + 1, at: at, mark: c}
				return
			}
			at += end + 2
			s.ends(i, at, c)
		case c == '[' || c == '{':
			s.flow = append(s.flow, open{line: i + 1, at: at, mark: c})
			s.value(i, at)
			at++
		case (c == ']' || c == '}') && len(s.flow) > 0:
			s.flow = s.flow[:len(s.flow)-1]
			at++
			s.ends(i, at, c)
		case c == ',' && len(s.flow) > 0, c == ':':
			at++
		case len(s.flow) == 0 && (c == '|' || c == '>') && at > 0:
			s.block, s.base, s.begins = key+1, -1, i+1
			if strings.ContainsAny(text[at:], "123456789") {
				s.base = 0 // it gives its own indentation
			}
			return
		case c == '-' && len(s.flow) == 0 && (at+1 == len(text) || text[at+1] == ' '):
			key = at
			at++
		default:
			s.value(i, at)
			end, isKey := plainEnd(text, at, len(s.flow) > 0)
			if isKey && len(s.flow) == 0 {
				key = at
			}
			at = end
		}
	}
}

func (s *Text) value(i, at int) { s.lines[i].values = append(s.lines[i].values, at) }

// plainEnd is the end of a text without quotes, and whether it is a key.
func plainEnd(text string, at int, flow bool) (end int, key bool) {
	for ; at < len(text); at++ {
		switch c := text[at]; {
		case c == ':' && (at+1 == len(text) || text[at+1] == ' '):
			return at + 1, true
		case c == '#' && text[at-1] == ' ':
			return at, false
		case flow && strings.IndexByte(",]}[{", c) >= 0:
			return at, false
		}
	}
	return at, false
}

// column turns an index in bytes (from 0) into a column in characters (from 1).
func column(text string, at int) int { return utf8.RuneCountInString(text[:at]) + 1 }

// oddIndent is the first of the lines from..to (from 1) with an odd indentation, in a file that is otherwise indented in steps
// of two spaces, with few exceptions; 0 for none.
func (s *Text) oddIndent(from, to int) int {
	odd, all := 0, 0
	for _, l := range s.lines {
		if !l.inside {
			all++
			odd += l.indent % 2
		}
	}
	if odd > 2 && odd*10 > all {
		return 0
	}
	for n := max(from, 1); n <= min(to, len(s.lines)); n++ {
		if l := s.lines[n-1]; !l.inside && l.indent%2 == 1 {
			return n
		}
	}
	return 0
}

package ini

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
)

// defaultSection is what ini.v1 and Grafana's settings API call the part above the first header.
const defaultSection = "DEFAULT"

// entry is one key with its value as ini.v1 returns it, and where they were written.
type entry struct {
	section, key, value string
	line, col           int
	// cut is the column of a # or ; that ended the value; 0 when there was none.
	cut int
	// cutGlued says that there was no space before the # or ;, cutQuoted that the value began with a quote.
	cutGlued, cutQuoted bool
	// joined says that a trailing backslash pulled the next line into the value.
	joined bool
	// openQuote says that the value begins with a quote that is not closed.
	openQuote bool
	// unquoted says that a pair of quotes around the whole value was removed.
	unquoted bool
	// doubleQuoted says that these were double quotes.
	doubleQuoted bool
}

// header is one [section] line.
type header struct {
	name      string
	line, col int
}

// fault is why the file cannot be parsed. It contains no text of the file.
type fault struct {
	line, col int
	message   string
	hint      string
}

// document is what a file has up to its first fault, in the order of the file.
type document struct {
	headers []header
	entries []entry
	fault   *fault
}

type scanner struct {
	rest []byte
	// line is the number of the line that next last returned.
	line int
	eof  bool
	doc  document
}

// scan reads the file as ini.v1 does with its default options (version 1.67.0, which is
// in Grafana 9.4 to 12.4; 1.62 to 1.67.0 read every file alike).
func scan(data []byte) document {
	s := &scanner{rest: skipBOM(data)}
	section, counter := defaultSection, 1
	for !s.eof && s.doc.fault == nil {
		raw := s.next()
		line := strings.TrimLeftFunc(raw, unicode.IsSpace)
		col := len(raw) - len(line) + 1
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			if name, ok := s.header(line, col); ok {
				section, counter = name, 1
			}
		default:
			s.entry(section, &counter, line, col)
		}
	}
	return s.doc
}

func skipBOM(data []byte) []byte {
	for _, bom := range [][]byte{{0xFE, 0xFF}, {0xFF, 0xFE}, {0xEF, 0xBB, 0xBF}} {
		if rest, ok := bytes.CutPrefix(data, bom); ok {
			return rest
		}
	}
	return data
}

// next returns the next line with its line break.
func (s *scanner) next() string {
	s.line++
	i := bytes.IndexByte(s.rest, '\n')
	if i < 0 {
		s.eof = true
		line := string(s.rest)
		s.rest = nil
		return line
	}
	line := string(s.rest[:i+1])
	s.rest = s.rest[i+1:]
	return line
}

func (s *scanner) fail(line, col int, message, hint string) {
	s.doc.fault = &fault{line: line, col: col, message: message, hint: hint}
}

func (s *scanner) header(line string, col int) (string, bool) {
	end := strings.LastIndexByte(line, ']')
	if end < 0 {
		s.fail(s.line, col, "section header has no closing ]", "write [section]")
		return "", false
	}
	name := line[1:end]
	if name == "" {
		s.fail(s.line, col, "section header has no name", "write [section]")
		return "", false
	}
	s.doc.headers = append(s.doc.headers, header{name: name, line: s.line, col: col})
	return name, true
}

func (s *scanner) entry(section string, counter *int, line string, col int) {
	e := entry{section: section, line: s.line, col: col}
	var offset int
	var ok bool
	if e.key, offset, ok = s.keyName(line, col); !ok {
		return
	}
	if e.key == "-" {
		e.key = "#" + strconv.Itoa(*counter)
		*counter++
	}
	if !s.value(&e, line[offset:], col+offset) {
		return
	}
	if e.key == "" {
		s.fail(e.line, col, "key has no name", "")
		return
	}
	s.doc.entries = append(s.doc.entries, e)
}

const delimiterHint = "every line is a comment, a [section] or key = value; a value cannot go on in an indented line (use triple double quotes, or a backslash at the end of the line)"

// keyName returns the key, and the offset in line at which the value begins.
func (s *scanner) keyName(line string, col int) (string, int, bool) {
	quote := ""
	switch {
	case len(line) > 6 && strings.HasPrefix(line, `"""`):
		quote = `"""`
	case line[0] == '"' || line[0] == '`':
		quote = line[:1]
	}
	if quote == "" {
		i := strings.IndexAny(line, "=:")
		switch {
		case i < 0:
			s.fail(s.line, col, "line has no = or :", delimiterHint)
			return "", 0, false
		case i == 0:
			s.fail(s.line, col, "key has no name", "")
			return "", 0, false
		}
		return strings.TrimSpace(line[:i]), i + 1, true
	}
	start := len(quote)
	end := strings.Index(line[start:], quote)
	if end < 0 {
		s.fail(s.line, col, "quote around the key is not closed", "write the key without quotes")
		return "", 0, false
	}
	end += start
	i := strings.IndexAny(line[end+start:], "=:")
	if i < 0 {
		s.fail(s.line, col, "line has no = or :", delimiterHint)
		return "", 0, false
	}
	return strings.TrimSpace(line[start:end]), end + i + start + 1, true
}

// value reads what follows the delimiter; col is the column at which rest begins.
func (s *scanner) value(e *entry, rest string, col int) bool {
	line := strings.TrimLeftFunc(rest, unicode.IsSpace)
	if line == "" {
		return true
	}
	col += len(rest) - len(line)
	quote := ""
	if len(line) > 3 && strings.HasPrefix(line, `"""`) {
		quote = `"""`
	} else if line[0] == '`' {
		quote = "`"
	}
	if quote != "" {
		body := line[len(quote):]
		if end := strings.LastIndex(body, quote); end >= 0 {
			e.value = body[:end]
			return true
		}
		return s.multiline(e, body, quote, col)
	}

	line = strings.TrimSpace(line)
	if strings.HasSuffix(line, `\`) {
		e.joined = true
		e.value = s.continuation(line[:len(line)-1])
		return true
	}
	first := line[0]
	if i := strings.IndexAny(line, "#;"); i >= 0 {
		e.cut = col + i
		e.cutGlued = i > 0 && !unicode.IsSpace(rune(line[i-1]))
		e.cutQuoted = first == '"' || first == '\''
		line = strings.TrimSpace(line[:i])
	}
	if surrounded(line, '\'') || surrounded(line, '"') {
		e.unquoted, e.doubleQuoted = true, line[0] == '"'
		line = line[1 : len(line)-1]
	} else if line != "" && (line[0] == '"' || line[0] == '\'') && strings.IndexByte(line[1:], line[0]) < 0 {
		e.openQuote = true
	}
	e.value = line
	return true
}

func (s *scanner) multiline(e *entry, val, quote string, col int) bool {
	start := s.line
	var b strings.Builder
	b.WriteString(val)
	for {
		next := s.next()
		if i := strings.LastIndex(next, quote); i >= 0 {
			b.WriteString(next[:i])
			e.value = b.String()
			return true
		}
		b.WriteString(next)
		if s.eof {
			s.fail(start, col, "quote "+quote+" is opened here and never closed", "close it or remove it")
			return false
		}
	}
}

func (s *scanner) continuation(val string) string {
	var b strings.Builder
	b.WriteString(val)
	for {
		next := strings.TrimSpace(s.next())
		if next == "" {
			return b.String()
		}
		head, more := strings.CutSuffix(next, `\`)
		b.WriteString(head)
		if !more {
			return b.String()
		}
	}
}

// surrounded reports whether quote is at both ends of in and nowhere in between.
func surrounded(in string, quote byte) bool {
	return len(in) >= 2 && in[0] == quote && strings.IndexByte(in[1:], quote) == len(in)-2
}

// backslashAfterQuote reports whether data may have the only construct that the linked version of the library reads
// differently from 1.67.0: a backslash after the closing quote of a multi-line value.
func backslashAfterQuote(data []byte) bool {
	for line := range bytes.Lines(data) {
		if bytes.ContainsAny(line, "\"`") && bytes.HasSuffix(bytes.TrimSpace(line), []byte(`\`)) {
			return true
		}
	}
	return false
}

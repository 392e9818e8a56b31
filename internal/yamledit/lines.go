package yamledit

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Lines are the lines of a text, numbered from 1 as the parser numbers them. JSON can be a single line with any number of
// values, so the time to find a column does not grow with the column.
type Lines struct {
	src []byte
	// text is a copy of src, made by the first call of Line.
	text   string
	starts []int  // where each line starts; one more at the end
	runes  *Runes // of src, made for the first column beyond markEvery
}

// NewLines divides src, which must not change.
func NewLines(src []byte) *Lines {
	l := &Lines{src: src, starts: []int{0}}
	for i := 0; i < len(src); {
		n := lineBreak(src[i:])
		if i += max(n, 1); n > 0 {
			l.starts = append(l.starts, i)
		}
	}
	if l.starts[len(l.starts)-1] != len(src) {
		l.starts = append(l.starts, len(src))
	}
	return l
}

// lineBreak is the length of the line break that b starts with; 0 if there is none. As in the parser (YAML 1.1), there are
// more of them than line feed and carriage return.
func lineBreak(b []byte) int {
	switch {
	case b[0] == '\n':
		return 1
	case b[0] == '\r':
		if len(b) > 1 && b[1] == '\n' {
			return 2
		}
		return 1
	case b[0] == 0xC2 && len(b) > 1 && b[1] == 0x85:
		return 2
	case b[0] == 0xE2 && len(b) > 2 && b[1] == 0x80 && (b[2] == 0xA8 || b[2] == 0xA9):
		return 3
	}
	return 0
}

// LastLineNumber is the number of the last line.
func (l *Lines) LastLineNumber() int { return len(l.starts) - 1 }

func (l *Lines) lineStart(line int) int { // after the last line, the end of the text
	if line-1 >= len(l.starts) {
		return len(l.src)
	}
	return l.starts[line-1]
}

// Line returns a line without its break; false when there is none. It makes no copy.
func (l *Lines) Line(n int) (string, bool) {
	if n < 1 || n >= len(l.starts) {
		return "", false
	}
	if l.text == "" {
		l.text = string(l.src)
	}
	return strings.TrimRight(l.text[l.starts[n-1]:l.starts[n]], "\r\n\u0085\u2028\u2029"), true
}

// Offset is where in its line the character at a column begins. The parser counts characters from 1, without a byte
// order mark.
func (l *Lines) Offset(line, column int) int {
	from, ahead := l.lineStart(line), max(column-1, 0)
	at := from
	if line == 1 && bytes.HasPrefix(l.src, []byte("\xef\xbb\xbf")) {
		at += 3
	}
	if ahead >= markEvery {
		if l.runes == nil {
			l.runes = NewRunes(l.src)
		}
		return l.runes.Offset(l.runes.Number(at)+ahead) - from
	}
	for range ahead {
		_, size := utf8.DecodeRune(l.src[at:])
		at += size
	}
	return at - from
}

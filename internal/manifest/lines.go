package manifest

import (
	"strings"
	"unicode/utf8"
)

// sourceLines are the lines of a source, for positions in it. JSON can be one line with any number of values: nothing here takes
// longer for a place that is further behind.
type sourceLines struct {
	src []byte
	// text is src, once a place in it was asked for.
	text   string
	starts []int
	long   map[int]*longLine
}

// longLine is what was found out about a line, once for all places in it.
type longLine struct {
	// marks are the offsets of every markEvery-th character.
	marks []int
	blank int
}

// markEvery is how many characters are counted at most to find a place in a line. Shorter lines need no marks.
const markEvery = 512

func newSourceLines(src []byte) *sourceLines {
	s := &sourceLines{src: src, starts: []int{0}, long: map[int]*longLine{}}
	for i, b := range src {
		if b == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	return s
}

// line is the text of a line without its break, from 1. It is no copy.
func (s *sourceLines) line(n int) (string, bool) {
	if n < 1 || n > len(s.starts) {
		return "", false
	}
	if s.text == "" {
		s.text = string(s.src)
	}
	end := len(s.src)
	if n < len(s.starts) {
		end = s.starts[n] - 1
	}
	if n == len(s.starts) && s.starts[n-1] == len(s.src) {
		return "", false
	}
	return strings.TrimSuffix(s.text[s.starts[n-1]:end], "\r"), true
}

// blank is the offset in a line behind which are only blanks.
func (s *sourceLines) blank(n int, text string) int {
	if len(text) <= markEvery {
		return lastBlank(text)
	}
	return s.longLine(n, text).blank
}

func lastBlank(text string) int { return len(strings.TrimRight(text, " \t")) }

// offset is where the character of a line at a column begins, as the parser counts: a byte order mark is none.
func (s *sourceLines) offset(n, column int) int {
	text, ok := s.line(n)
	if !ok {
		return 0
	}
	at, ahead := 0, max(column-1, 0)
	if len(text) > markEvery {
		marks := s.longLine(n, text).marks
		i := min(ahead/markEvery, len(marks)-1)
		at, ahead = marks[i], ahead-i*markEvery
	} else {
		at = start(n, text)
	}
	for range ahead {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// start is where the first character of a line begins.
func start(n int, text string) int {
	if n == 1 && strings.HasPrefix(text, "\ufeff") {
		return len("\ufeff")
	}
	return 0
}

func (s *sourceLines) longLine(n int, text string) *longLine {
	if l := s.long[n]; l != nil {
		return l
	}
	l := &longLine{blank: lastBlank(text)}
	count := 0
	for at := start(n, text); at < len(text); count++ {
		if count%markEvery == 0 {
			l.marks = append(l.marks, at)
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	s.long[n] = l
	return l
}

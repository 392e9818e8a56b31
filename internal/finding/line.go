package finding

import (
	"io"
	"strings"
	"unicode"
)

// OneLine makes of a text that someone else wrote one that can be printed within a line of ours: what
// begins a new line, moves the cursor, starts an escape sequence or reorders what is around it becomes a
// space. It is for file names, messages and answers of servers alike.
func OneLine(s string) string {
	return strings.Map(visible, s)
}

// visible replaces what is not a character that stays where it is written: control characters (C0, DEL
// and C1), invisible format characters, and the separators of lines and paragraphs.
func visible(r rune) rune {
	if r < ' ' || r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
		return ' '
	}
	return r
}

// Cut is the beginning of a text, at most that many bytes of it, with ... if something is left out. No character is cut in two.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// AtStart is OneLine for a text with which a line begins. Continuous integration systems obey a line that
// begins with :: or ##[, white space before it or not.
func AtStart(s string) string {
	s = OneLine(s)
	if command(s) {
		return "> " + s
	}
	return s
}

func command(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "::") || strings.HasPrefix(line, "##[")
}

// Lines lets through a text of several lines, each as AtStart would have it. Where a text must stay on
// its line, use OneLine before: a new line is a new line here.
func Lines(w io.Writer) io.Writer { return &lines{w: w, start: true} }

type lines struct {
	w io.Writer
	// start says that nothing but white space was written on this line.
	start bool
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	var b strings.Builder
	for line := range strings.Lines(string(p)) {
		text, whole := strings.CutSuffix(line, "\n")
		if l.start && command(text) {
			b.WriteString("> ")
		}
		b.WriteString(OneLine(text))
		l.start = l.start && strings.TrimSpace(text) == ""
		if whole {
			b.WriteByte('\n')
			l.start = true
		}
	}
	if _, err := io.WriteString(l.w, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

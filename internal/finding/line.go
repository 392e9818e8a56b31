package finding

import (
	"io"
	"strings"
	"unicode"
)

// OneLine makes text from elsewhere safe to print within a line: every character that starts a new line, moves the cursor,
// starts an escape sequence or reorders its neighbors becomes a space. Use it for file names, messages and answers of servers.
func OneLine(s string) string {
	return strings.Map(visible, s)
}

// visible replaces control characters (C0, DEL and C1), invisible format characters, and the separators of lines and
// paragraphs.
func visible(r rune) rune {
	if r < ' ' || r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
		return ' '
	}
	return r
}

// Cut is the beginning of a text, at most that many bytes, followed by ... if something is left out. It never cuts a character in two.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// AtStart is OneLine for text at the beginning of a line. Continuous integration systems read a line that begins with :: or
// ##[ as a command, also after white space.
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

// Lines passes on a text of several lines, with each line as AtStart returns it. It keeps line breaks: use OneLine first for
// text that must stay on one line.
func Lines(w io.Writer) io.Writer { return &lines{w: w, start: true} }

type lines struct {
	w io.Writer
	// start says that only white space was written on this line so far.
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

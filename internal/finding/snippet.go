package finding

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxSnippet bounds the part of a line that is shown, in characters.
const maxSnippet = 160

// reSecretWord is what the name of a key that may hold a secret contains. It is wide on purpose: a line
// that is not shown costs little.
var reSecretWord = regexp.MustCompile(`(?i)passw|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|auth|bearer|header|cookie|connection|dsn|securejson|://[^/\s]*@|PRIVATE KEY`)

// Snippet shows a line of a file with a caret below the column. It is empty when the line may hold a
// secret: when it, a line that it is indented under, or the line before it names something secret.
// Findings point at mistakes, and a password in the wrong place is one.
func Snippet(content []byte, line, column int) string {
	if line < 1 || len(content) == 0 {
		return ""
	}
	lines := bytes.SplitN(content, []byte("\n"), line+1)
	if len(lines) < line || mayBeSecret(lines[:line]) {
		return ""
	}
	text := strings.TrimRight(string(lines[line-1]), "\r")
	if !utf8.ValidString(text) || strings.TrimSpace(text) == "" {
		return ""
	}
	runes := []rune(strings.Map(visible, text))
	start := 0
	if column > maxSnippet {
		start = min(column-1-maxSnippet/2, len(runes))
	}
	shown := runes[start:min(len(runes), start+maxSnippet)]
	number := fmt.Sprint(line)
	s := fmt.Sprintf("  %s | %s\n", number, string(shown))
	if column > 0 && column-1-start <= len(shown) {
		s += fmt.Sprintf("  %s | %s^\n", strings.Repeat(" ", len(number)), strings.Repeat(" ", column-1-start))
	}
	return s
}

// visible keeps control characters from moving the cursor; a tab takes one column, as in positions.
func visible(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// mayBeSecret looks at the last of the lines and at what it belongs to.
func mayBeSecret(lines [][]byte) bool {
	last := len(lines) - 1
	if reSecretWord.Match(lines[last]) {
		return true
	}
	depth, previous := indent(lines[last]), true
	for i := last - 1; i >= 0; i-- {
		l := lines[i]
		if t := bytes.TrimSpace(l); len(t) == 0 || t[0] == '#' {
			continue
		}
		d := indent(l)
		if (previous || d < depth) && reSecretWord.Match(l) {
			return true
		}
		previous = false
		depth = min(depth, d)
		if depth == 0 {
			break
		}
	}
	return false
}

// indent counts the dashes of lists as white space: what follows is indented by them.
func indent(l []byte) int { return len(l) - len(bytes.TrimLeft(l, " \t-")) }

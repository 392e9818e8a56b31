package finding

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"reloader/internal/lazyregexp"
)

// maxSnippet bounds the part of a line that is shown, in characters.
const maxSnippet = 160

// reSecretWord is what the name of a key that may hold a secret contains. It is wide on purpose: a line
// that is not shown costs little.
var reSecretWord = lazyregexp.New(`(?i)passw|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|auth|bearer|header|cookie|connection|dsn|securejson|://[^/\s]*@|PRIVATE KEY`)

// Snippet shows a line of a file with a caret below the column. It is empty when the line may hold a
// secret: when it, a line that it is indented under, or the line before it names something secret.
// Findings point at mistakes, and a password in the wrong place is one.
func Snippet(content []byte, line, column int) string { return Excerpt(content, line, column, 0) }

// hidden stands for a line that may hold a secret.
const hidden = "(not shown: this line may contain a secret)"

// Excerpt is Snippet with up to context lines before and after the line. It is empty when the line itself
// may hold a secret; around it such lines are replaced by a sentence.
func Excerpt(content []byte, line, column, context int) string {
	if line < 1 || len(content) == 0 {
		return ""
	}
	lines := bytes.SplitN(content, []byte("\n"), line+context+1)
	if len(lines) < line || !showable(lines[line-1]) || mayBeSecret(lines[:line]) {
		return ""
	}
	last := min(line+context, len(lines))
	if last == line+context+1 || last == len(lines) && last > line && len(bytes.TrimSpace(lines[last-1])) == 0 {
		last--
	}
	width := len(strconv.Itoa(last))
	var b strings.Builder
	for n := max(1, line-context); n <= last; n++ {
		text, start := hidden, 0
		if n == line || showable(lines[n-1]) && !mayBeSecret(lines[:n]) {
			text, start = part(lines[n-1], max(0, column))
		} else if len(bytes.TrimSpace(lines[n-1])) == 0 {
			text = ""
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %*d | %s", width, n, text), " ") + "\n")
		if n == line && column > 0 && column-1-start <= utf8.RuneCountInString(text) {
			fmt.Fprintf(&b, "  %s | %s^\n", strings.Repeat(" ", width), strings.Repeat(" ", column-1-start))
		}
	}
	return b.String()
}

func showable(line []byte) bool {
	return utf8.Valid(line) && len(bytes.TrimSpace(line)) > 0
}

// part is what is shown of a line: around the column where it is long. Start is how many characters of it
// are left out before.
func part(line []byte, column int) (text string, start int) {
	// A tab takes one column, as in positions.
	runes := []rune(OneLine(strings.TrimRight(string(line), "\r")))

	if column > maxSnippet {
		start = min(column-1-maxSnippet/2, len(runes))
	}
	return string(runes[start:min(len(runes), start+maxSnippet)]), start
}

// excerptContext is how many lines AddExcerpts shows before and after a finding's.
const excerptContext = 2

// AddExcerpts gives the first findings that have a line their excerpts, errors first, at most as many as most.
func AddExcerpts(findings []Finding, most int, lookup Lookup) {
	for _, severity := range []Severity{Error, Warning} {
		for i := range findings {
			f := &findings[i]
			if f.Severity != severity || f.Line == 0 || f.Private {
				continue
			}
			if most--; most < 0 {
				return
			}
			f.Excerpt = Excerpt(lookup(f.File), f.Line, f.Column, excerptContext)
		}
	}
}

// maxSearched bounds the lines that are searched for names of secrets, in bytes: a hundred findings in one line of a
// megabyte took 40 s.
const maxSearched = 8 << 10

// namesSecret says that a line names something secret, or is too long to find out.
func namesSecret(line []byte) bool { return len(line) > maxSearched || reSecretWord().Match(line) }

// mayBeSecret looks at the last of the lines and at what it belongs to.
func mayBeSecret(lines [][]byte) bool {
	last := len(lines) - 1
	if namesSecret(lines[last]) {
		return true
	}
	depth, previous := indent(lines[last]), true
	for i := last - 1; i >= 0; i-- {
		l := lines[i]
		if t := bytes.TrimSpace(l); len(t) == 0 || t[0] == '#' {
			continue
		}
		d := indent(l)
		if (previous || d < depth) && namesSecret(l) {
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

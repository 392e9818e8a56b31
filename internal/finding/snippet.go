package finding

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"reloader/internal/lazyregexp"
)

// maxSnippet is how much of a line is shown, in characters.
const maxSnippet = 160

// reSecretWord matches parts of the names of keys that may hold a secret. It is wide on purpose: hiding a line too many does little
// harm.
var reSecretWord = lazyregexp.New(`(?i)passw|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|auth|bearer|header|cookie|connection|dsn|securejson|://[^/\s]*@|PRIVATE KEY`)

// Snippet shows a line of a file with a caret below the column. It is empty when the line may contain a secret: when that line,
// a line that it is indented under, or the line before it names something secret. Findings point at mistakes, and the mistake may
// be a password in the wrong place.
func Snippet(content []byte, line, column int) string { return Excerpt(content, line, column, 0) }

// hidden replaces a line that may contain a secret.
const hidden = "(not shown: this line may contain a secret)"

// Excerpt is Snippet with up to context lines before and after the line. It is empty when the line itself may contain a secret;
// other such lines are replaced with a remark.
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

// part is the part of a line to show: all of it, or the part around the column in a long line. Start is how many characters
// before it are left out.
func part(line []byte, column int) (text string, start int) {
	// A tab counts as one column, as in positions.
	runes := []rune(OneLine(strings.TrimRight(string(line), "\r")))

	if column > maxSnippet {
		start = min(column-1-maxSnippet/2, len(runes))
	}
	return string(runes[start:min(len(runes), start+maxSnippet)]), start
}

// excerptContext is how many lines AddExcerpts shows before and after the line of a finding.
const excerptContext = 2

// AddExcerpts adds excerpts to the first findings that have a line, errors first, and to no more than most.
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

// maxSearched is the longest line that is searched for names of secrets, in bytes: a hundred findings in a line of one megabyte
// took 40 s.
const maxSearched = 8 << 10

// namesSecret reports whether a line names something secret, or is too long to search.
func namesSecret(line []byte) bool { return len(line) > maxSearched || reSecretWord().Match(line) }

// mayBeSecret reports whether the last of the lines may contain a secret, judging by that line and those above that it belongs to.
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

// indent counts the dashes of lists as white space, because they indent what follows.
func indent(l []byte) int { return len(l) - len(bytes.TrimLeft(l, " \t-")) }

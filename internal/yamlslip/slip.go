// Package yamlslip finds the line to edit in a file that is not valid YAML: a parser only reports where it stopped.
package yamlslip

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"reloader/internal/lazyregexp"
)

// Problem is what a parser reports, and after Locate, what a person has to edit.
type Problem struct {
	// Line and Column count from 1; 0 means unknown.
	Line, Column  int
	Message, Hint string
	// Anchor is the name of an alias without an anchor, if that is the problem.
	Anchor string
	// Tagged says that the value has the wrong type.
	Tagged bool
}

// Locate finds the line to edit. A parser reports where it stopped. That may be far below the mistake (an unclosed quote),
// or at the beginning of the block around it. The text itself shows more.
func Locate(content []byte, p *Problem) {
	s := Scan(content)
	stopped, context := stops(content, p.Line)
	p.Line = stopped
	if strings.HasPrefix(p.Message, "could not find expected ':'") || strings.HasPrefix(p.Message, "found unexpected end of stream") {
		p.Line = context
	}
	if n := s.conflict(); n > 0 {
		p.is(n, 1, "an unresolved Git merge conflict", "keep one side, and remove the lines with <<<<<<<, ======= and >>>>>>>")
		return
	}
	switch odd, open, template := s.oddBlank(), s.openBefore(max(stopped, context)+1), s.template(stopped); {
	case s.short(p, max(stopped, context), open):
	case odd != nil:
		p.is(odd.Line, odd.Column, odd.Message, odd.Hint)
	case p.Anchor != "":
		for i, l := range s.lines {
			if c := strings.Index(l.text, "*"+p.Anchor); c >= 0 {
				p.Line, p.Column = i+1, column(l.text, c)
				return
			}
		}
	case notText(s, p):
	case open != nil:
		s.notClosed(p, open)
	case template != nil:
		p.is(template.Line, template.Column, template.Message, template.Hint)
	default:
		if w := s.knownMistake(p); w != nil {
			p.is(w.Line, w.Column, w.Message, w.Hint)
			return
		}
		s.indentation(p, context)
	}
}

func (p *Problem) is(line, column int, message, hint string) {
	p.Line, p.Column, p.Message, p.Hint = line, column, message, hint
}

// notClosed points to an open quote or bracket, or to the line on which a bracket should be closed.
func (s *Text) notClosed(p *Problem, open *open) {
	at := column(s.lines[open.line-1].text, open.at)
	const hintBracket = "close it, or quote the value if the bracket is part of it"
	switch bracket := open.mark == '[' || open.mark == '{'; {
	case bracket && open.until > open.line:
		p.is(open.until, s.lines[open.until-1].indent+1, fmt.Sprintf("the bracket %c that opens on line %d is not closed", open.mark, open.line), hintBracket)
	case bracket:
		p.is(open.line, at, fmt.Sprintf("the bracket %c that opens here is not closed", open.mark), hintBracket)
	default:
		p.is(open.line, at, fmt.Sprintf("the quote %c that opens here is not closed", open.mark), "close it on this line, or use the other kind of quotes around the whole value")
	}
}

// conflict is the first line of a git conflict marker; 0 for none.
func (s *Text) conflict() int {
	for i, l := range s.lines {
		if strings.HasPrefix(l.text, "<<<<<<< ") || strings.HasPrefix(l.text, ">>>>>>> ") {
			return i + 1
		}
	}
	return 0
}

// short points to a line that ends a block text in its middle, if that is near where the parser stopped and no quote or
// bracket is open before the text.
func (s *Text) short(p *Problem, stopped int, before *open) bool {
	for _, l := range s.shorts {
		if before != nil && before.line < l.begins {
			break
		}
		if l.line <= stopped+1 && (l.outside || l.line >= stopped-2) {
			indent := s.lines[l.line-1].indent
			p.is(l.line, indent+1, fmt.Sprintf("this line ends the block text that begins on line %d: it is indented by %d, the text by %d", l.begins, indent, l.base),
				"indent it like the other lines of the text")
			return true
		}
	}
	return false
}

// openBefore is the first unclosed quote or bracket, up to a line; nil for none.
func (s *Text) openBefore(line int) *open {
	for i := range s.opens {
		if s.opens[i].line <= line {
			return &s.opens[i]
		}
	}
	return nil
}

// oddBlank is the first character that looks like a space, or is invisible, where YAML needs spaces; nil for none.
func (s *Text) oddBlank() *Problem {
	for i, l := range s.lines {
		if l.inside && !strings.HasPrefix(strings.TrimLeft(l.text, " "), "\t") {
			continue
		}
		if c, name := oddBlank(l.text, i == 0); c >= 0 {
			hint := hintOdd
			if name == "a tab" {
				hint = "YAML forbids tabs in the indentation: use spaces"
			}
			return &Problem{Line: i + 1, Column: column(l.text, c), Message: oddMessage(name), Hint: hint}
		}
	}
	return nil
}

// oddBlank finds an odd blank in the indentation, after a dash or after the colon of a key; at is -1 for none. A byte order
// mark is allowed at the beginning of the file.
func oddBlank(text string, first bool) (at int, name string) {
	if strings.Trim(text, " \t\r") == "" {
		return -1, ""
	}
	structure := true
	for i, r := range text {
		switch {
		case structure && r == ' ', structure && r == '-', first && i == 0 && r == 0xfeff:
		case structure && r == '\t' && strings.TrimSpace(text[:i]) == "":
			return i, "a tab"
		case structure && OddName(r) != "":
			return i, OddName(r)
		case r == ':':
			if next, _ := utf8.DecodeRuneInString(text[i+1:]); OddName(next) != "" {
				return i + 1, OddName(next)
			}
			return -1, ""
		case r == '#', r == '"', r == '\'':
			return -1, ""
		default:
			structure = false
		}
	}
	return -1, ""
}

// oddNames are the most common of these characters.
var oddNames = map[rune]string{
	0x00a0: "no-break space", 0x00ad: "soft hyphen", 0x200b: "zero width space", 0x200c: "zero width non-joiner", 0x200d: "zero width joiner",
	0x2060: "word joiner", 0xfeff: "byte order mark", 0x202f: "narrow no-break space", 0x3000: "ideographic space", 0x2028: "line separator",
}

// OddName names a character that looks like a space or is invisible, but is not a space in YAML; empty for any other.
func OddName(r rune) string {
	if r == ' ' || r == '\t' || r == utf8.RuneError || r < 0x80 {
		return ""
	}
	name, known := oddNames[r]
	if !known && !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) {
		return ""
	}
	if name == "" {
		name = "an invisible character"
	}
	return fmt.Sprintf("U+%04X (%s)", r, name)
}

// Reinterpret explains a line that is valid YAML, but does not mean what it seems to.
func (s *Text) Reinterpret(p *Problem) {
	if p.Line < 1 || p.Line > len(s.lines) {
		return
	}
	text := s.lines[p.Line-1].text
	if c, name := oddBlank(text, p.Line == 1); c >= 0 {
		p.Column, p.Message, p.Hint = column(text, c), oddMessage(name), hintOdd
		return
	}
	if t := s.template(p.Line); t != nil && t.Line == p.Line && p.Tagged {
		p.Column, p.Message, p.Hint = t.Column, t.Message, t.Hint
	}
}

const hintOdd = "replace it with a plain space; it often comes from a web page or a chat"

func oddMessage(name string) string { return name + " where YAML needs spaces" }

// notText points to what is not UTF-8 text, when the parser gives no line.
func notText(s *Text, p *Problem) bool {
	if p.Line != 0 {
		return false
	}
	for i, l := range s.lines {
		bad := strings.IndexFunc(l.text, func(r rune) bool {
			return r == utf8.RuneError || r < ' ' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85
		})
		if bad >= 0 {
			p.Line, p.Column, p.Hint = i+1, column(l.text, bad), "the file must be text in UTF-8"
			return true
		}
	}
	return false
}

// reUnrendered matches what Helm alone replaces: a rule's own template knows neither.
var reUnrendered = lazyregexp.New(`^\{\{-?[^}]*(?:\.(?:Values|Release|Chart|Capabilities|Files)\b|\b(?:include|tpl|toYaml|nindent)\b)`)

// template is a value near the line that begins with a character that YAML reserves; nil for none.
func (s *Text) template(near int) *Problem {
	for n := max(near-2, 1); n <= min(near+2, len(s.lines)); n++ {
		text := s.lines[n-1].text
		for _, at := range s.lines[n-1].values {
			var message, hint string
			switch {
			case strings.HasPrefix(text[at:], "{{") && (strings.TrimSpace(text[:at]) == "" || reUnrendered().MatchString(text[at:])):
				message, hint = "this is an unrendered template", "render it first (helm template, for example), and give the result to the server"
			case strings.HasPrefix(text[at:], "{{") && secondColon(text, at) >= 0:
				at, message, hint = secondColon(text, at), messageTwoColons, hintQuoteValue
			case strings.HasPrefix(text[at:], "{{"):
				message, hint = `the value begins with "{{" and is not quoted`, `put quotes around the whole value: "{{ ... }}"`
			case n == near && strings.ContainsAny(text[at:at+1], "@%`"):
				message, hint = fmt.Sprintf("a value cannot begin with %c", text[at]), hintQuoteValue
			default:
				continue
			}
			// The column is computed last: a line may have 100,000 values, and each mistake on it runs this loop.
			return &Problem{Line: n, Column: column(text, at), Message: message, Hint: hint}
		}
	}
	return nil
}

var reNoBlank = lazyregexp.New(`^(\s*(?:- )?[a-z_]+):([^\s:/]\S*)$`)

// indentation finds a line with an odd indentation between the beginning of the block and the line where the parser
// stopped, or a key without a space after its colon.
func (s *Text) indentation(p *Problem, context int) {
	if p.Line == 0 || p.Line > len(s.lines) {
		return
	}
	if m := s.oddIndent(min(context, p.Line), p.Line+1); m > 0 {
		indent := s.lines[m-1].indent
		p.is(m, indent+1, fmt.Sprintf("the line is indented by %d, which matches no line around it", indent), "indent it like the keys that it belongs with")
		return
	}
	const most = 6 // lines that a text without quotes may continue over; an address in a list is not a key
	for n, seen := p.Line, 0; n >= 1 && seen < most; n-- {
		l := s.lines[n-1]
		if l.inside {
			continue
		}
		seen++
		if m := reNoBlank().FindStringSubmatchIndex(l.text); m != nil && (seen <= 2 || !strings.HasPrefix(strings.TrimSpace(l.text), "-")) {
			p.is(n, column(l.text, m[4]), "a space is missing after the key's colon", "write a space after the colon")
			return
		}
	}
	p.Column = s.lines[p.Line-1].indent + 1
}

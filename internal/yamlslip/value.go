package yamlslip

import (
	"fmt"
	"strings"

	"reloader/internal/lazyregexp"
)

const hintQuoteValue = "put quotes around the whole value"

// rest is text after a quoted value or a collection that ended on its line.
type rest struct {
	line int // from 1
	at   int // the byte on the line, from 0
	mark byte
	// flow says that it is in a collection, where a comma is most likely missing.
	flow bool
}

// ends notes text after a value that ended before at. Only a comma, a colon, a bracket or a comment is allowed there.
func (s *Text) ends(i, at int, mark byte) {
	text := s.lines[i].text
	after := strings.TrimLeft(text[at:], " \t")
	switch {
	case after == "", after[0] == ':', after[0] == '#' && len(after) < len(text[at:]):
	case len(s.flow) > 0 && strings.ContainsAny(after[:1], ",]}"):
	default:
		s.rests = append(s.rests, rest{line: i + 1, at: len(text) - len(after), mark: mark, flow: len(s.flow) > 0})
	}
}

// trailing is the place near the line where text follows a value that has ended; nil when there is none.
func (s *Text) trailing(near int) *Problem {
	for _, r := range s.rests {
		if r.line < near-2 || r.line > near+1 {
			continue
		}
		p := &Problem{Line: r.line, Column: column(s.lines[r.line-1].text, r.at), Message: fmt.Sprintf("the value ends with %c, but more text follows", r.mark), Hint: hintQuoteValue}
		switch {
		case r.flow:
			p.Hint = "a comma is missing before it"
		case r.mark == '"':
			p.Hint = `use the other kind of quotes around the whole value, or write \" for a quote in it`
		case r.mark == '\'':
			p.Hint = "use the other kind of quotes around the whole value, or write '' for a quote in it"
		}
		return p
	}
	return nil
}

var (
	reTwoColons  = lazyregexp.New(`^\s*(?:- +)*[^\s"'#&*!|>@%{\[-][^:"']*?:\s+[^\s"'{\[|>&*!#][^#]*?(:)(?:\s|$)`)
	reBlockStart = lazyregexp.New(`^(\s*(?:- +)*)[^\s#][^#]*:\s+[|>][+-]?[0-9]?[+-]?\s*(?:#.*)?$`)
	reNoColon    = lazyregexp.New(`^\s*(?:- +)*[a-z][a-z0-9_]*\s*$`)
	reBraces     = lazyregexp.New(`[:,\[{]\s+([^\s"'{}\[\],]*\$\{[A-Za-z_][^}"']*\})`)
	reNoDash     = lazyregexp.New(`^(\s*)-[A-Za-z_]+:(?:\s|$)`)
)

const messageTwoColons = `the value contains ": " and is not quoted`

// secondColon is where a value that is not quoted has a colon before the byte at; negative when it has none.
func secondColon(text string, at int) int {
	if m := reTwoColons().FindStringSubmatchIndex(text[:at]); m != nil {
		return m[2]
	}
	return -1
}

// knownMistake finds a known mistake on the lines where the parser stopped; nil when there is none.
func (s *Text) knownMistake(p *Problem) *Problem {
	if p.Line < 1 || p.Line > len(s.lines) {
		return nil
	}
	if g := s.trailing(p.Line); g != nil {
		return g
	}
	for n := p.Line; n >= max(p.Line-1, 1); n-- {
		l := s.lines[n-1]
		if l.inside {
			continue
		}
		if m := reNoDash().FindStringSubmatchIndex(l.text); m != nil {
			return &Problem{Line: n, Column: column(l.text, m[3]), Message: "a space is missing after the dash", Hint: "write a space after the dash"}
		}
		if m := reBraces().FindStringSubmatchIndex(l.text); m != nil && strings.HasPrefix(p.Message, "did not find expected ','") {
			return &Problem{Line: n, Column: column(l.text, m[2]), Message: "the value has a brace and is not quoted", Hint: hintQuoteValue}
		}
		if m := reTwoColons().FindStringSubmatchIndex(l.text); m != nil && strings.HasPrefix(p.Message, "mapping values") {
			return &Problem{Line: n, Column: column(l.text, m[2]), Message: messageTwoColons, Hint: hintQuoteValue}
		}
	}
	if l := s.lines[p.Line-1]; strings.HasPrefix(p.Message, "could not find expected ':'") && reNoColon().MatchString(l.text) && !l.inside {
		return noColon(p.Line, l)
	}
	if n := s.lineAbove(p.Line); n > 0 {
		l := s.lines[n-1]
		if m := reBlockStart().FindStringSubmatchIndex(l.text); m != nil && s.lines[p.Line-1].indent <= m[3] {
			return &Problem{
				Line: p.Line, Column: s.lines[p.Line-1].indent + 1,
				Message: fmt.Sprintf("the text of the key on line %d is not indented deeper than the key", n), Hint: "indent the text by two spaces more than its key",
			}
		}
		if reNoColon().MatchString(l.text) && !l.inside && s.lines[p.Line-1].indent >= l.indent {
			return noColon(n, l)
		}
	}
	return nil
}

func noColon(n int, l sourceLine) *Problem {
	return &Problem{Line: n, Column: l.indent + 1, Message: "a colon is missing after the key", Hint: "write a colon after the key"}
}

// lineAbove is the nearest line above that is not blank or a comment; 0 when there is none.
func (s *Text) lineAbove(line int) int {
	for n := line - 1; n >= 1; n-- {
		if !blankOrComment(s.lines[n-1].text) {
			return n
		}
	}
	return 0
}

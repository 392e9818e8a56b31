package expression

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sqlToken is a word, a name in backquotes, a text in quotes, or one other character.
type sqlToken struct {
	text   string
	quoted byte // the kind of quote; 0 for none
}

func (t sqlToken) is(words ...string) bool {
	for _, w := range words {
		if t.quoted == 0 && strings.EqualFold(t.text, w) {
			return true
		}
	}
	return false
}

func (t sqlToken) name() bool {
	r, _ := utf8.DecodeRuneInString(t.text)
	return t.quoted == '`' || t.quoted == 0 && (r == '_' || unicode.IsLetter(r))
}

// sqlTokens splits MySQL text. It is not known when the text has what only a whole parser understands.
func sqlTokens(text string) (out []sqlToken, known bool) {
	for i := 0; i < len(text); {
		rest := text[i:]
		r, width := utf8.DecodeRuneInString(rest)
		switch {
		case unicode.IsSpace(r):
			i += width
		case strings.HasPrefix(rest, "/*!"):
			return nil, false // it counts as SQL
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest, "*/")
			if end < 0 {
				return nil, false
			}
			i += max(end, 2) + 2
		case r == '#' || strings.HasPrefix(rest, "--"):
			if end := strings.IndexByte(rest, '\n'); end >= 0 {
				i += end + 1
			} else {
				i = len(text)
			}
		case r == '\'' || r == '"' || r == '`':
			end := quoted(rest)
			if end < 0 {
				return nil, false
			}
			out = append(out, sqlToken{rest[1 : end-1], byte(r)})
			i += end
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			end := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
			if end < 0 {
				end = len(rest)
			}
			out = append(out, sqlToken{text: rest[:end]})
			i += end
		default:
			out = append(out, sqlToken{text: rest[:width]})
			i += width
		}
	}
	return out, true
}

// quoted returns where a text in quotes ends; -1 when it does not, or has a quote or a backslash in it.
func quoted(text string) int {
	end := strings.IndexByte(text[1:], text[0])
	if end < 0 || strings.Contains(text[:end+1], `\`) || strings.HasPrefix(text[end+2:], text[:1]) {
		return -1
	}
	return end + 2
}

// sqlGroup is what is known inside of one pair of parentheses.
type sqlGroup struct {
	selects, from bool
	before        int // the token before the parenthesis
}

// sqlTables returns the refIds that a SQL expression certainly reads, each once. empty says that it has no statement, and
// dollar is the first name behind a dollar sign, which SQL does not have.
func sqlTables(text string) (tables []string, dollar string, empty bool) {
	tokens, known := sqlTokens(text)
	if !known {
		return nil, "", false
	}
	if len(tokens) == 0 || len(tokens) == 1 && tokens[0].is(";") {
		return nil, "", true
	}
	defined, seen := map[string]bool{"dual": true}, map[string]bool{}
	groups := []sqlGroup{{}}
	at := func(i int) sqlToken {
		if i < 0 || i >= len(tokens) {
			return sqlToken{}
		}
		return tokens[i]
	}
	var names []string
	for i, t := range tokens {
		g := &groups[len(groups)-1]
		table := false
		switch {
		case t.is("("):
			groups = append(groups, sqlGroup{before: i - 1})
		case t.is(")"):
			if len(groups) == 1 {
				return nil, "", false
			}
			groups = groups[:len(groups)-1]
			if at(i+1).is("AS") && at(i+2).is("(") { // WITH t (a, b) AS (SELECT ...)
				defined[strings.ToLower(at(g.before).text)] = true
			}
		case t.is("AS") && at(i+1).is("("): // WITH t AS (SELECT ...)
			defined[strings.ToLower(at(i-1).text)] = true
		case t.is("SELECT"):
			g.selects, g.from = true, false
		case t.is("FROM"):
			table = g.selects && !at(i-1).is("DISTINCT")
			g.from = table
		case t.is("WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "WINDOW", "FOR", "INTO", "PROCEDURE", "LOCK"):
			g.from = false
		case t.is("JOIN", "STRAIGHT_JOIN", ","):
			table = g.from
		}
		next := at(i + 1)
		switch {
		case !table:
		case next.is("$") && dollar == "":
			dollar = strings.Trim(at(i+2).text+at(i+3).text, "{")
		case next.name() && !at(i+2).is("(", ".") && !seen[next.text]:
			seen[next.text] = true
			names = append(names, next.text)
		}
	}
	for _, n := range names {
		if !defined[strings.ToLower(n)] {
			tables = append(tables, n)
		}
	}
	return tables, dollar, false
}

package judge

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/prometheus/promql/parser"

	"reloader/internal/lazyregexp"
	"reloader/internal/prometheus/validator"
	"reloader/internal/versions"
	"reloader/internal/yamlslip"
)

// newParser is the PromQL parser with the features of the server; promtool's when they are unknown.
func newParser(features []string, server versions.Version) parser.Parser {
	var o parser.Options
	for _, f := range features {
		switch f {
		case "promql-experimental-functions":
			o.EnableExperimentalFunctions = true
		case "promql-binop-fill-modifiers":
			o.EnableBinopFillModifiers = true
		case "promql-unquoted-utf8-names":
			// By name: the field came with 3.16, and make skew compiles this with 3.15.
			if f := reflect.ValueOf(&o).Elem().FieldByName("EnableUnquotedUTF8Names"); f.IsValid() {
				f.SetBool(true)
			}
		}
	}
	p := parser.NewParser(o)
	if is2x(server) {
		renamed := o
		renamed.EnableExperimentalFunctions = true
		p = parser2x{p, parser.NewParser(renamed)}
	}
	if older(server) {
		p = olderParser{Parser: p, server: server, features: features}
	}
	return p
}

// parser2x also accepts names that 3.0 changed.
type parser2x struct {
	parser.Parser
	renamed parser.Parser
}

var reHoltWinters = lazyregexp.New(`\bholt_winters\b`)

// ParseExpr implements parser.Parser.
func (p parser2x) ParseExpr(input string) (parser.Expr, error) {
	expr, err := p.Parser.ParseExpr(input)
	if err != nil && reHoltWinters().MatchString(input) {
		if expr, again := p.renamed.ParseExpr(reHoltWinters().ReplaceAllString(input, "double_exponential_smoothing")); again == nil {
			return expr, nil
		}
	}
	return expr, err
}

const hintFeature = "enable the feature flag on the server, or remove the function"

// promQL fills in a problem from a PromQL error, with the place where the parser stopped; false for any other error.
func promQL(err error, p *problem) bool {
	var (
		one  *parser.ParseErr
		many parser.ParseErrors
	)
	switch {
	case errors.As(err, &many) && len(many) > 0:
		one = &many[0]
	case errors.As(err, &one):
	default:
		return false
	}
	plain := slices.IndexFunc(many, func(e parser.ParseErr) bool { return plainMessage(e.Err.Error()) })
	if plain >= 0 {
		one = &many[plain]
	}
	p.rule, p.message = validator.RulePromQL, "PromQL: "+one.Err.Error()
	p.query, p.offset = one.Query, int(one.PositionRange.Start)
	// An expression is wrong in any version if something in it is not closed, or is missing at its end.
	p.grammar = plain < 0 && balanced(one.Query)
	p.unsure = errors.As(one.Err, &tooNewExpr{}) // the server itself decides
	if strings.Contains(p.message, "is not enabled") || strings.Contains(p.message, "experimental") {
		p.hint = hintFeature
	} else {
		p.hint = cmp.Or(oddCharacter(p.message), goneHint(p.message, p.query), hintFor(p.message))
	}
	return true
}

var reOddCharacter = lazyregexp.New(`unexpected character[a-z ]*: ('.+')`)

// oddCharacter is a hint about a character from a web page or a chat that looks like another one; empty for others.
func oddCharacter(message string) string {
	m := reOddCharacter().FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	s, err := strconv.Unquote(m[1])
	if err != nil {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(s)
	if name := yamlslip.OddName(r); name != "" {
		return "this is " + name + ": replace it with a plain space, or remove it"
	}
	if strings.ContainsRune("\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb", r) {
		return `write plain quotes: " or '`
	}
	return ""
}

func plainMessage(msg string) bool {
	return slices.ContainsFunc([]string{"unclosed", "unterminated", "end of input", "no expression found", "missing unit character"},
		func(part string) bool { return strings.Contains(msg, part) })
}

// balanced reports whether all brackets and quotes of an expression are closed.
func balanced(query string) bool {
	var stack []byte
	for i := 0; i < len(query); i++ {
		switch c := query[i]; c {
		case '(', '[', '{':
			stack = append(stack, map[byte]byte{'(': ')', '[': ']', '{': '}'}[c])
		case ')', ']', '}':
			if len(stack) == 0 || stack[len(stack)-1] != c {
				return false
			}
			stack = stack[:len(stack)-1]
		case '#':
			if n := strings.IndexByte(query[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(query)
			}
		case '"', '\'', '`':
			for i++; i < len(query) && query[i] != c; i++ {
				if query[i] == '\\' && c != '`' {
					i++
				}
			}
			if i >= len(query) {
				return false
			}
		}
	}
	return len(stack) == 0
}

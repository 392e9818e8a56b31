package expression

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"reloader/internal/finding"
)

// mathFunctions are those of Grafana 12.4 with the number of their arguments (pkg/expr/mathexp/funcs.go).
var mathFunctions = map[string]int{
	"abs": 1, "log": 1, "is_nan": 1, "is_inf": 1, "is_null": 1, "is_number": 1, "round": 1, "ceil": 1, "floor": 1,
	"nan": 0, "inf": 0, "infn": 0, "null": 0,
}

// maxMathDepth is how deep parentheses may be nested; what is deeper is not judged.
const maxMathDepth = 1000

// slip is what is wrong with the text of an expression. The zero value says that nothing is wrong.
type slip struct{ message, hint string }

type mathToken int

const (
	mathEnd mathToken = iota
	mathNumber
	mathName
	mathVariable
	mathString
	mathOperator // also parentheses and the comma
	mathInvalid
)

// mathParser reads a math expression as pkg/expr/mathexp/parse of Grafana 12.4 does. Its grammar:
//
//	O -> A {"||" A}; A -> C {"&&" C}; C -> P {compare P}; P -> M {("+"|"-") M}; M -> E {("*"|"/"|"%") E}; E -> F {"**" F}
//	F -> number | name "(" {O | string} ")" | variable | "(" O ")" | ("!"|"-") F
type mathParser struct {
	text  string
	pos   int
	kind  mathToken
	token string
	depth int
	refs  []string
	slip  slip
	deep  bool
}

// parseMath returns the refIds that a math expression names, and what is wrong with it. It is not known when the expression
// is nested too deep to be read.
func parseMath(text string) (refs []string, wrong slip, known bool) {
	p := &mathParser{text: text}
	p.next()
	p.binary(0)
	if p.kind != mathEnd {
		p.unexpected()
	}
	return p.refs, p.slip, !p.deep
}

func (p *mathParser) fail(message, hint string) {
	if p.slip.message == "" {
		p.slip = slip{message, hint}
	}
	p.kind, p.token, p.pos = mathEnd, "", len(p.text)
}

// mathSlips are what people write instead of an operator of Grafana.
var mathSlips = map[string]string{"and": "write &&", "or": "write ||", "not": "write !", "=": "write ==", "<>": "write !=", "===": "write ==", "&": "write &&", "|": "write ||", "^": "write ** for a power"}

func (p *mathParser) unexpected() {
	if p.kind == mathEnd {
		p.fail("it ends too early", "")
		return
	}
	hint := mathSlips[strings.ToLower(p.token)]
	if p.kind == mathInvalid && hint == "" && strings.Trim(p.token, mathSymbols) == "" {
		hint = "put a space between two operators"
	}
	p.fail(fmt.Sprintf("%q is not expected there", finding.Cut(p.token, 60)), hint)
}

// mathLevels are the binary operators, the weakest first.
var mathLevels = [][]string{{"||"}, {"&&"}, {"==", "!=", ">", ">=", "<", "<="}, {"+", "-"}, {"*", "/", "%"}, {"**"}}

func (p *mathParser) binary(level int) {
	if level == len(mathLevels) {
		p.operand()
		return
	}
	p.binary(level + 1)
	for p.kind == mathOperator && slices.Contains(mathLevels[level], p.token) {
		p.next()
		p.binary(level + 1)
	}
}

func (p *mathParser) operand() {
	if p.depth++; p.depth > maxMathDepth {
		p.deep = true
		p.fail("it is nested too deep", "")
	}
	defer func() { p.depth-- }()
	switch {
	case p.kind == mathNumber:
		_, err := strconv.ParseUint(p.token, 0, 64)
		if _, ferr := strconv.ParseFloat(p.token, 64); err != nil && ferr != nil {
			p.fail(fmt.Sprintf("%q is not a number", finding.Cut(p.token, 60)), "")
			return
		}
		p.next()
	case p.kind == mathVariable:
		p.refs = append(p.refs, strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(p.token, "$"), "{"), "}"))
		p.next()
	case p.kind == mathName:
		p.function()
	case p.kind == mathOperator && (p.token == "!" || p.token == "-"):
		p.next()
		p.operand()
	case p.kind == mathOperator && p.token == "(":
		p.next()
		p.binary(0)
		p.closing()
	default:
		p.unexpected()
	}
}

func (p *mathParser) closing() {
	if p.kind != mathOperator || p.token != ")" {
		p.unexpected()
		return
	}
	p.next()
}

func (p *mathParser) function() {
	name := p.token
	want, known := mathFunctions[name]
	if !known {
		names := make([]string, 0, len(mathFunctions))
		for n := range mathFunctions {
			names = append(names, n)
		}
		slices.Sort(names)
		p.fail(fmt.Sprintf("there is no function %s", finding.Cut(name, 60)), cmp.Or(finding.DidYouMean(name, names), "the functions are "+strings.Join(names, ", ")+"; a query is written $A"))
		return
	}
	p.next()
	if p.kind != mathOperator || p.token != "(" {
		p.unexpected()
		return
	}
	p.next()
	got := 0
	for p.kind != mathEnd && (p.kind != mathOperator || p.token != ")") {
		if p.kind == mathString {
			p.fail(fmt.Sprintf("the function %s does not accept text", name), "")
			return
		}
		p.binary(0)
		got++
	}
	if p.kind != mathEnd && got != want {
		p.fail(fmt.Sprintf("the function %s has %d arguments, not %d", name, want, got), "")
		return
	}
	p.closing()
}

const mathSymbols = "!<>=&|+-*/%"

var mathOperators = []string{"!", "&&", "||", ">", "<", ">=", "<=", "==", "!=", "+", "-", "*", "**", "/", "%"}

// next reads one token.
func (p *mathParser) next() {
	p.skip(unicode.IsSpace)
	start := p.pos
	if start >= len(p.text) {
		p.kind, p.token = mathEnd, ""
		return
	}
	r, width := utf8.DecodeRuneInString(p.text[p.pos:])
	switch {
	case r == '$':
		p.pos += width
		p.variable()
	case strings.ContainsRune(mathSymbols, r):
		p.skip(func(r rune) bool { return strings.ContainsRune(mathSymbols, r) })
		p.kind = mathInvalid
		if slices.Contains(mathOperators, p.text[start:p.pos]) {
			p.kind = mathOperator
		}
	case unicode.IsDigit(r) || r == '.':
		p.kind = mathNumber
		p.number()
	case unicode.IsLetter(r):
		p.kind = mathName
		p.skip(func(r rune) bool { return unicode.IsLetter(r) || r == '_' })
	case r == '(' || r == ')' || r == ',':
		p.kind = mathOperator
		p.pos += width
	case r == '"':
		p.kind, p.pos = mathInvalid, len(p.text)
		if end := strings.IndexByte(p.text[start+1:], '"'); end >= 0 {
			p.kind, p.pos = mathString, start+end+2
		}
	default:
		p.kind = mathInvalid
		p.pos += width
	}
	p.token = p.text[start:p.pos]
}

func (p *mathParser) skip(which func(rune) bool) {
	for p.pos < len(p.text) {
		r, width := utf8.DecodeRuneInString(p.text[p.pos:])
		if !which(r) {
			return
		}
		p.pos += width
	}
}

func (p *mathParser) accept(set string) bool {
	if p.pos < len(p.text) && strings.IndexByte(set, p.text[p.pos]) >= 0 {
		p.pos++
		return true
	}
	return false
}

func (p *mathParser) number() {
	digits := "0123456789"
	if p.accept("0") && p.accept("xX") {
		digits += "abcdefABCDEF"
	}
	run := func(digits string) {
		for p.accept(digits) {
		}
	}
	run(digits)
	if p.accept(".") {
		run(digits)
	}
	if p.accept("eE") {
		p.accept("+-")
		run("0123456789")
	}
}

// variable reads what is behind a dollar sign.
func (p *mathParser) variable() {
	letter := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	p.kind = mathVariable
	start := p.pos
	if !p.accept("{") {
		if p.skip(letter); p.pos == start {
			p.kind = mathInvalid
		}
		return
	}
	start = p.pos
	p.skip(func(r rune) bool { return letter(r) || unicode.IsSpace(r) })
	if p.pos == start || !p.accept("}") {
		p.kind = mathInvalid
	}
}

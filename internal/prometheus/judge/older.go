package judge

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/parser/posrange"

	"reloader/internal/lazyregexp"
	"reloader/internal/versions"
)

// olderParser refuses what the library knows but a server of this version does not. A server that refuses a rule still
// applies the rest of the configuration.
type olderParser struct {
	parser.Parser
	server   versions.Version
	features []string
	// renamed says that asNow replaced words in the expression: the server knows them by their earlier names.
	renamed bool
}

// tooNewExpr is the error of such a server. It is certain only if the server really is the version that it reports.
type tooNewExpr struct{ text string }

func (e tooNewExpr) Error() string { return e.text }

func onlyTooNew(err error) bool {
	var all parser.ParseErrors
	return errors.As(err, &all) && len(all) == 1 && errors.As(all[0].Err, &tooNewExpr{})
}

// functionSince is the version that added a function; functions that are not listed are older. The source is Prometheus' change log.
var functionSince = map[string]string{
	"clamp": "2.26", "last_over_time": "2.26", "sgn": "2.26",
	"present_over_time": "2.29",
	"acos":              "2.31", "acosh": "2.31", "asin": "2.31", "asinh": "2.31", "atan": "2.31", "atanh": "2.31", "cos": "2.31", "cosh": "2.31",
	"deg": "2.31", "pi": "2.31", "rad": "2.31", "sin": "2.31", "sinh": "2.31", "tan": "2.31", "tanh": "2.31",
	"histogram_count": "2.40", "histogram_fraction": "2.40", "histogram_sum": "2.40",
	"histogram_stddev": "2.47", "histogram_stdvar": "2.47",
	"mad_over_time": "2.49", "sort_by_label": "2.49", "sort_by_label_desc": "2.49",
	"histogram_avg":        "2.51",
	"info":                 "3.0",
	"ts_of_last_over_time": "3.5", "ts_of_max_over_time": "3.5", "ts_of_min_over_time": "3.5",
	"first_over_time": "3.7", "ts_of_first_over_time": "3.7",
	"histogram_quantiles": "3.11",
	"end":                 "3.12", "range": "3.12", "start": "3.12", "step": "3.12",
	"max_of": "3.13", "min_of": "3.13",
	"start_timestamp": "3.14",
	"integral":        "3.16",
}

// ParseExpr implements parser.Parser. An expression that is too new is returned with the error.
func (p olderParser) ParseExpr(input string) (parser.Expr, error) {
	parsed := input // the text to which the positions in expr refer
	expr, err := p.Parser.ParseExpr(input)
	if err != nil {
		now := p.asNow(input)
		if now == input {
			return expr, err
		}
		again, refused := p.Parser.ParseExpr(now)
		if refused != nil {
			return expr, err
		}
		expr, err, parsed, p.renamed = again, nil, now, true
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if text := p.tooNew(n, parsed); text != "" && err == nil {
			err = parser.ParseErrors{{PositionRange: n.PositionRange(), Query: input, Err: tooNewExpr{text}}}
		}
		return nil
	})
	return expr, err
}

// calculates reports whether the server accepts expressions as durations.
func (p olderParser) calculates() bool {
	return !p.server.Before(versions.Of(3, 14)) || !p.server.Before(versions.Of(3, 4)) && slices.Contains(p.features, "promql-duration-expr")
}

// isCalculation reports whether a duration is more than one of the words that servers from 3.6 to 3.11 accept without the
// feature flag. In an offset, a word may be in parentheses after a sign.
func isCalculation(d *parser.DurationExpr, signed, inOffset bool) bool {
	part := func(e parser.Expr, signed bool) bool {
		inner, ok := e.(*parser.DurationExpr)
		return ok && inner != nil && isCalculation(inner, signed, inOffset)
	}
	switch d.Op {
	case parser.STEP, parser.RANGE:
		return d.Wrapped && !signed
	case parser.MAX_OF, parser.MIN_OF:
		return d.Wrapped && !signed || part(d.LHS, false) || part(d.RHS, false)
	case parser.ADD, parser.SUB:
		if inner, ok := d.RHS.(*parser.DurationExpr); d.LHS == nil && ok && inner != nil {
			return isCalculation(inner, inOffset, inOffset)
		}
	default:
	}
	return true
}

// signedNumber is the number in parentheses after a sign in an offset ("-(5m)"); nil when the offset is anything else.
func signedNumber(d *parser.DurationExpr, input string) *parser.DurationExpr {
	if d == nil {
		return nil
	}
	if inner, ok := d.RHS.(*parser.DurationExpr); ok && d.Op == parser.SUB && d.LHS == nil && !d.Wrapped {
		d = inner
	} else if !hasPlus(d, input) {
		return nil
	}
	if _, number := d.RHS.(*parser.NumberLiteral); d.Op != parser.ADD || d.LHS != nil || !number {
		return nil
	}
	return d
}

// hasPlus reports whether a plus and a parenthesis precede a duration: the library drops the plus.
func hasPlus(d *parser.DurationExpr, input string) bool {
	before := input[:min(int(d.StartPos), len(input))]
	return strings.HasSuffix(strings.TrimRight(before, " \t\r\n("), "+")
}

// newWord is a word in a duration that the server does not know there; empty when it knows all.
func (p olderParser) newWord(d *parser.DurationExpr, inside bool) string {
	word, since := "", versions.Version{}
	switch d.Op {
	case parser.STEP:
		word, since = "step()", versions.Of(3, 6)
	case parser.RANGE:
		if word, since = "range()", versions.Of(3, 10); inside {
			since = versions.Of(3, 12)
		}
	case parser.MAX_OF, parser.MIN_OF: // servers from 3.6 to 3.12 call them max and min
		if word, since = "max_of()", versions.Of(3, 13); d.Op == parser.MIN_OF {
			word = "min_of()"
		}
		if p.renamed {
			since = versions.Of(3, 6)
		}
	default:
	}
	if p.server.Before(since) {
		return word
	}
	inside = inside || d.LHS != nil // a sign precedes the word
	for _, part := range []parser.Expr{d.LHS, d.RHS} {
		if inner, ok := part.(*parser.DurationExpr); ok && inner != nil {
			if w := p.newWord(inner, inside); w != "" {
				return w
			}
		}
	}
	return ""
}

var (
	// reEarlyAt and reEarlyOffset match modifiers before the range, where servers before 3.15 accepted them.
	reEarlyAt     = lazyregexp.New(`(?i)(@\s*(?:start|end)\s*\(\s*\))\s*(\[[^\[\]]*\])`)
	reEarlyOffset = lazyregexp.New(`(?i)(\boffset\s*[-+]?\s*(?:step|range)\s*\(\s*\))\s*(\[[^\[\]]*\])`)
	reMinMaxOfNow = lazyregexp.New(`(?i)\b(min|max)_of\b`)
	reInBrackets  = lazyregexp.New(`\[[^\[\]]*\]`)
	reMinMaxCalls = lazyregexp.New(`(?i)\b(min|max)(\s*\()`)
	reMinMaxFirst = lazyregexp.New(`(?i)(\boffset\s*[-+]?[\s(]*)(min|max)(\s*\()`)
)

// asNow rewrites an expression with the names and the order of the library's version. It can make an expression valid, never invalid.
func (p olderParser) asNow(input string) string {
	now := input
	if p.server.Before(versions.Of(3, 15)) {
		now = reEarlyAt().ReplaceAllString(now, "$2 $1")
		now = reEarlyOffset().ReplaceAllString(now, "$2 $1")
	}
	if !p.server.Before(versions.Of(3, 6)) && p.server.Before(versions.Of(3, 13)) && !reMinMaxOfNow().MatchString(input) {
		now = reInBrackets().ReplaceAllStringFunc(now, func(duration string) string {
			return reMinMaxCalls().ReplaceAllString(duration, "${1}_of$2")
		})
		now = reMinMaxFirst().ReplaceAllString(now, "$1${2}_of$3")
	}
	return now
}

// reNumberRange matches a range without a unit.
var reNumberRange = lazyregexp.New(`\[\s*[0-9][0-9._]*\s*[\]:]`)

// tooNew is the server's error for a part of an expression; empty when the server accepts it.
func (p olderParser) tooNew(n parser.Node, input string) string {
	has := func(feature string) bool { return slices.Contains(p.features, feature) }
	before := func(major, minor int) bool { return p.server.Before(versions.Of(major, minor)) }
	duration := func(d *parser.DurationExpr, inOffset bool) string {
		if d == nil {
			return ""
		}
		if word := p.newWord(d, false); word != "" {
			return "Prometheus " + p.server.String() + " does not know " + word + " in a duration here"
		}
		if !p.calculates() && (!before(3, 12) || isCalculation(d, inOffset && hasPlus(d, input), inOffset)) {
			return "experimental duration expression is not enabled"
		}
		return ""
	}
	offset := func(d *parser.DurationExpr) string {
		switch number := signedNumber(d, input); {
		case number == nil || before(3, 6):
			return duration(d, true)
		case before(3, 13):
			return "unexpected ( in offset, expected number, duration, step(), or range()"
		case !strings.HasPrefix(input[number.StartPos:], "("):
			return "" // one pair of parentheses needs no feature flag
		}
		return duration(d, true)
	}
	positive := func(all ...*parser.DurationExpr) string {
		for _, d := range all {
			if d == nil {
				continue
			}
			if d.Op == parser.SUB && signedNumber(d, input) != nil && before(3, 15) {
				return "duration must be greater than 0"
			}
			if text := duration(d, false); text != "" {
				return text
			}
		}
		return ""
	}
	unit := func(pos posrange.PositionRange) string {
		if before(2, 54) && int(pos.End) <= len(input) && reNumberRange().MatchString(input[pos.Start:pos.End]) {
			return `missing unit character in duration`
		}
		return ""
	}
	switch n := n.(type) {
	case *parser.NumberLiteral:
		if before(2, 54) && n.Duration {
			return "a duration is not a number in Prometheus " + p.server.String()
		}
	case *parser.VectorSelector:
		switch {
		case before(2, 33) && (n.Timestamp != nil || n.StartOrEnd != 0) && !has("promql-at-modifier"):
			return "@ modifier is disabled, use the feature flag promql-at-modifier"
		case before(2, 33) && n.OriginalOffset < 0 && !has("promql-negative-offset"):
			return "negative offset is disabled, use the feature flag promql-negative-offset"
		}
		if before(3, 16) && !has("promql-extended-range-selectors") || before(3, 7) {
			switch {
			case n.Anchored:
				return "anchored modifier is experimental and not enabled"
			case n.Smoothed:
				return "smoothed modifier is experimental and not enabled"
			}
		}
		return offset(n.OriginalOffsetExpr)
	case *parser.MatrixSelector:
		return cmp.Or(unit(n.PositionRange()), positive(n.RangeExpr))
	case *parser.SubqueryExpr:
		if before(3, 16) && n.RangeExpr != nil && (n.RangeExpr.Op == parser.STEP || n.RangeExpr.Op == parser.RANGE) {
			return "in Prometheus " + p.server.String() + ", the range of a subquery cannot be step() or range()"
		}
		return cmp.Or(unit(n.PositionRange()), positive(n.RangeExpr, n.StepExpr), offset(n.OriginalOffsetExpr))
	case *parser.BinaryExpr:
		if before(3, 11) && (n.Op == parser.TRIM_UPPER || n.Op == parser.TRIM_LOWER) {
			return "the operators </ and >/ do not exist in Prometheus " + p.server.String()
		}
		if before(2, 31) && n.Op == parser.ATAN2 {
			return "the operator atan2 does not exist in Prometheus " + p.server.String()
		}
	case *parser.AggregateExpr:
		if before(2, 54) && (n.Op == parser.LIMITK || n.Op == parser.LIMIT_RATIO) {
			return "the aggregations limitk and limit_ratio do not exist in Prometheus " + p.server.String()
		}
	case *parser.Call:
		since, ok := functionSince[n.Func.Name]
		switch {
		case ok && p.server.Before(versions.Parse(since)):
			return fmt.Sprintf("unknown function with name %q", n.Func.Name)
		case n.Func.Name == "first_over_time" && before(3, 14) && !has("promql-experimental-functions"):
			return `function "first_over_time" is not enabled`
		}
	}
	return ""
}

package judge

import "regexp"

// gone are the words of PromQL that were renamed or removed, by Prometheus' change log: what the parser says about them now,
// and for some a part of the expression.
var gone = []struct {
	says, query *regexp.Regexp
	hint        string
}{
	{
		regexp.MustCompile(`unknown function with name "holt_winters"`), nil,
		"Prometheus 3.0 calls it double_exponential_smoothing (with promql-experimental-functions)",
	},
	{
		regexp.MustCompile(`unknown function with name "count_scalar"`), nil,
		"removed in Prometheus 2.0: write count(...), and absent(...) where there may be no series",
	},
	{
		regexp.MustCompile(`unknown function with name "drop_common_labels"`), nil,
		"removed in Prometheus 2.0: name the labels with by (...) or without (...)",
	},
	{
		regexp.MustCompile(`unexpected identifier "(keep_common|keeping_extra)"`), nil,
		"removed in Prometheus 2.0: name the labels to keep with by (...)",
	},
	{
		regexp.MustCompile(`unexpected character( in duration expression)?: 'm'`), regexp.MustCompile(`(?i)\[[^\]]*\b(min|max)\s*\(`),
		"in a duration these are called min_of and max_of since Prometheus 3.13",
	},
}

// goneHint says what a word that PromQL no longer knows is called now; empty for any other mistake.
func goneHint(message, query string) string {
	for _, g := range gone {
		if g.says.MatchString(message) && (g.query == nil || g.query.MatchString(query)) {
			return g.hint
		}
	}
	return ""
}

package judge

import (
	"strings"

	"reloader/internal/lazyregexp"
)

// gone are PromQL words that were renamed or removed, as the parser now reports them. The source is Prometheus' change log.
var gone = []struct{ says, hint string }{
	{`unknown function with name "holt_winters"`, "Prometheus 3.0 calls it double_exponential_smoothing (with promql-experimental-functions)"},
	{`unknown function with name "count_scalar"`, "removed in Prometheus 2.0: write count(...), and absent(...) where there may be no series"},
	{`unknown function with name "drop_common_labels"`, "removed in Prometheus 2.0: name the labels with by (...) or without (...)"},
	{`unexpected identifier "keep_common"`, hintKeepLabels},
	{`unexpected identifier "keeping_extra"`, hintKeepLabels},
}

const hintKeepLabels = "removed in Prometheus 2.0: name the labels to keep with by (...)"

var reMinMaxDuration = lazyregexp.New(`(?i)\[[^\]]*\b(min|max)\s*\(`)

// goneHint says what replaced a word that PromQL no longer knows; empty for any other mistake.
func goneHint(message, query string) string {
	for _, g := range gone {
		if strings.Contains(message, g.says) {
			return g.hint
		}
	}
	if strings.Contains(message, "unexpected character") && strings.Contains(message, ": 'm'") && reMinMaxDuration().MatchString(query) {
		return "since Prometheus 3.13, these are called min_of and max_of in a duration"
	}
	return ""
}

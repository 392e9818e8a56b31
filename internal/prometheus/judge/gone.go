package judge

import (
	"strings"

	"reloader/internal/lazyregexp"
)

// gone are words of PromQL that were renamed or removed, by Prometheus' change log, as the parser now reports them.
var gone = []struct{ says, hint string }{
	{`unknown function with name "holt_winters"`, "Prometheus 3.0 calls it double_exponential_smoothing (with promql-experimental-functions)"},
	{`unknown function with name "count_scalar"`, "removed in Prometheus 2.0: write count(...), and absent(...) where there may be no series"},
	{`unknown function with name "drop_common_labels"`, "removed in Prometheus 2.0: name the labels with by (...) or without (...)"},
	{`unexpected identifier "keep_common"`, hintKeepLabels},
	{`unexpected identifier "keeping_extra"`, hintKeepLabels},
}

const hintKeepLabels = "removed in Prometheus 2.0: name the labels to keep with by (...)"

var reMinMaxDuration = lazyregexp.New(`(?i)\[[^\]]*\b(min|max)\s*\(`)

// goneHint says what a word that PromQL no longer knows is called now; empty for any other mistake.
func goneHint(message, query string) string {
	for _, g := range gone {
		if strings.Contains(message, g.says) {
			return g.hint
		}
	}
	if strings.Contains(message, "unexpected character") && strings.Contains(message, ": 'm'") && reMinMaxDuration().MatchString(query) {
		return "in a duration these are called min_of and max_of since Prometheus 3.13"
	}
	return ""
}

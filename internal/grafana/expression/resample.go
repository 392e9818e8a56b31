package expression

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"reloader/internal/finding"
)

// The functions of a resample expression (pkg/expr/mathexp/resample.go). Their case matters.
var (
	downsamplers = []string{"sum", "mean", "min", "max", "last"}
	upsamplers   = []string{"pad", "backfilling", "fillna"}
)

const windowHint = "write a duration: window: 5m"

func (j *judge) resample(i int, n *node, model map[string]any) {
	j.about(i, n, model)
	if window, ok := j.text(i, model, "window", windowHint); ok {
		if _, err := duration(window); err != nil {
			j.problem(i, always, windowHint, []string{"window"}, "'window' is not a duration")
		}
	}
	j.text(i, model, "downsampler", "write one of "+strings.Join(downsamplers, ", "))
	j.text(i, model, "upsampler", "write one of "+strings.Join(upsamplers, ", "))
}

// window judges what a resample expression does with data.
func (j *judge) window(i int) {
	q := j.rule.Queries[i]
	text := func(key string) string { s, _ := q.Model[key].(string); return s }
	window, err := duration(text("window"))
	span := time.Duration(min(q.Seconds, 1<<33)) * time.Second
	switch {
	case err != nil:
	case window <= 0:
		j.problem(i, withData, windowHint, []string{"window"}, "'window' must be above 0")
	case span < window:
		j.problem(i, withData, "write the time range of the query in the item of the expression: relativeTimeRange: {from: 600, to: 0}", []string{"window"},
			"the relativeTimeRange of the expression is shorter than its 'window'")
	}
	for _, f := range []struct {
		key, when string
		known     []string
	}{
		{"downsampler", "several values", downsamplers}, {"upsampler", "no value", upsamplers},
	} {
		if name := text(f.key); !slices.Contains(f.known, name) {
			hint := cmp.Or(finding.DidYouMean(name, f.known), "write one of "+strings.Join(f.known, ", "))
			j.problem(i, "Grafana accepts the rule, but its evaluations fail as soon as a window has "+f.when, hint, []string{f.key}, "Grafana has no such %s", f.key)
		}
	}
}

// duration parses a duration as gtime.ParseDuration of Grafana's SDK does: as Go, or a whole number of d, w, M or y.
func duration(s string) (time.Duration, error) {
	if s == "" {
		return 0, errors.New("empty")
	}
	const day = 24 * time.Hour
	unit, long := map[byte]time.Duration{'d': day, 'w': 7 * day, 'M': 365 * day / 12, 'y': 365 * day}[s[len(s)-1]]
	digits := s[:len(s)-1]
	if !long || strings.Trim(digits, "0123456789") != "" {
		return time.ParseDuration(s)
	}
	n, err := strconv.Atoi(digits)
	return time.Duration(min(n, int((1<<63-1)/unit))) * unit, err
}

package validator

import (
	"context"
	"slices"
	"strings"
	"time"

	"reloader/internal/finding"
)

// Bounds on what the server is asked for one verdict.
const (
	maxAsked     = 200
	maxAskedSize = 6 << 10 // it goes into a URL
	maxAsking    = 5 * time.Second
)

// question is an expression that only the running server can judge, with the index of the finding about it.
type question struct {
	finding int
	query   string
}

// settle asks the running server about expressions that it may know and the library does not. If it accepts one, the finding
// is removed; if it refuses one, the finding becomes an error in its words. Without an answer, the finding stays.
func settle(ctx context.Context, res *finding.Result, open []question, facts finding.Facts) {
	defer func() {
		if finding.HasErrors(res.Findings) {
			res.Expected = nil
		}
	}()
	if facts.Refuses == nil || len(open) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxAsking)
	defer cancel()
	answers, accepted := map[string]string{}, map[int]bool{}
	for _, o := range open {
		if len(o.query) > maxAskedSize {
			continue
		}
		words, known := answers[o.query]
		if !known {
			var err error
			if len(answers) == maxAsked {
				break
			}
			if words, err = facts.Refuses(ctx, o.query); err != nil {
				break // it would not answer the next one either
			}
			answers[o.query] = words
		}
		f := &res.Findings[o.finding]
		if words == "" {
			accepted[o.finding] = true
			continue
		}
		f.Severity, f.Hint = finding.Error, ""
		subject, _, _ := strings.Cut(f.Message, "PromQL: ")
		f.Message = subject + "the running Prometheus " + facts.Version + " refuses the expression: " + words
	}
	i := -1
	res.Findings = slices.DeleteFunc(res.Findings, func(finding.Finding) bool { i++; return accepted[i] })
}

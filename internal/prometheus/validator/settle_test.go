package validator

import (
	"context"
	"errors"
	"strings"
	"testing"

	"reloader/internal/finding"
)

// The running server decides about expressions that only a newer version may know. If it accepts one there is no finding, if it refuses
// one there is an error in its words, and without an answer the warning stays. It is asked for every verdict, because it may have been upgraded.
func TestTheServerDecides(t *testing.T) {
	t.Parallel()
	const answer = `{"protocol":3,"expected":{},"items":[{"kind":"scrape job","name":"b"}],"findings":[
		{"file":0,"line":1,"severity":"warning","rule":"rule-promql","message":"rule \"a\" of group \"g\": PromQL: who knows","query":"new(up)"},
		{"file":0,"line":2,"severity":"warning","rule":"rule-promql","message":"rule \"b\" of group \"g\": PromQL: who knows","query":"old(up)"},
		{"file":0,"line":3,"severity":"warning","rule":"rule-promql","message":"rule \"c\" of group \"g\": PromQL: who knows","query":"old(up)"},
		{"file":0,"line":4,"severity":"warning","rule":"x","message":"plain"}]}`
	v := answering(t, strings.ReplaceAll(answer, "\n", ""))
	asked := 0
	refuses := func(_ context.Context, expr string) (string, error) {
		asked++
		if expr == "old(up)" {
			return "1:1: parse error: unknown function", nil
		}
		return "", nil
	}
	for _, tc := range []struct {
		name    string
		refuses func(context.Context, string) (string, error)
		want    string
		asked   int
	}{
		{"not asked", nil, "1 warning, 2 warning, 3 warning, 4 warning", 0},
		{"asked", refuses, "2 error, 3 error, 4 warning", 2},
		{"asked again", refuses, "2 error, 3 error, 4 warning", 2},
		{"no answer", func(context.Context, string) (string, error) { asked++; return "", errors.New("gone") }, "1 warning, 2 warning, 3 warning, 4 warning", 1},
	} {
		asked = 0
		req := request(oneFile)
		req.Facts = finding.Facts{Version: "3.17.0", Refuses: tc.refuses}
		res, err := v.Validate(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range res.Findings {
			got = append(got, string(rune('0'+f.Line))+" "+f.Severity.String())
			if f.Severity == finding.Error && f.Message != map[int]string{2: `rule "b" of group "g"`, 3: `rule "c" of group "g"`}[f.Line]+
				": the running Prometheus 3.17.0 refuses the expression: 1:1: parse error: unknown function" {
				t.Errorf("%s: the message is %q", tc.name, f.Message)
			}
		}
		if s := strings.Join(got, ", "); s != tc.want || asked != tc.asked {
			t.Errorf("%s: got %q after %d questions, want %q after %d", tc.name, s, asked, tc.want, tc.asked)
		}
	}
}

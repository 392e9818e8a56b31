package judge

import (
	"os"
	"strings"
	"testing"

	"reloader/internal/versions"
)

// Each line of testdata/grammar.txt is an expression with the verdicts of the parsers of several versions, in order: + accepts
// it with and without the feature flags promql-duration-expr and promql-experimental-functions, f only with them, - refuses
// it. The judge never accepts what a server refuses, and never refuses what it accepts.
func TestGrammarOfOlderServers(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/grammar.txt")
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	n := 0
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verdicts, expr, ok := strings.Cut(line, "\t")
		if !ok {
			columns = strings.Fields(line)
			continue
		}
		if len(verdicts) != len(columns) {
			t.Fatalf("%q: %d verdicts of %d versions", expr, len(verdicts), len(columns))
		}
		for i, v := range columns {
			for _, features := range [][]string{nil, {"promql-duration-expr", "promql-experimental-functions"}} {
				n++
				accepts := verdicts[i] == '+' || verdicts[i] == 'f' && features != nil
				if _, err := newParser(features, versions.Parse(v)).ParseExpr(expr); (err == nil) != accepts {
					t.Errorf("%s on %s with %v: %v, the server accepts it: %v", expr, v, features, err, accepts)
				}
			}
		}
	}
	if n < 2000 {
		t.Errorf("only %d verdicts", n)
	}
}

// An expression can get longer when its words are put into the order of the library's version. A sum is accepted if its
// parts are, in any position.
func TestPositionsInRenamed(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"2.54.0", "3.5.0", "3.6.0", "3.10.0", "3.12.0", "3.13.0", "3.14.0"} {
		p := newParser([]string{"promql-duration-expr"}, versions.Parse(v))
		for _, early := range []string{"sum_over_time(x@start()[5m])", "sum_over_time(x[min(5m,1m)])"} {
			for _, last := range []string{"x offset -(5m)", "x offset +(5m)", "x offset -((5m))", "x offset 5m", "sum_over_time(x[-(5m)])"} {
				_, first := p.ParseExpr(early)
				_, second := p.ParseExpr(last)
				_, err := p.ParseExpr(strings.Repeat(early+" + ", 10) + last)
				if accepts := first == nil && second == nil; (err == nil) != accepts {
					t.Errorf("%s after %s on %s: %v, the parts are accepted: %v", last, early, v, err, accepts)
				}
			}
		}
	}
}

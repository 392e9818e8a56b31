package judge

import (
	"os"
	"strings"
	"testing"

	"reloader/internal/versions"
)

// Each line of testdata/grammar.txt is an expression and the servers that take it, in their order, as the parsers of these
// versions said: + takes it with and without the feature flags promql-duration-expr and promql-experimental-functions, f with
// them alone, - refuses it. What a server refuses never passes, and what it takes is never refused.
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
				takes := verdicts[i] == '+' || verdicts[i] == 'f' && features != nil
				if _, err := newParser(features, versions.Parse(v)).ParseExpr(expr); (err == nil) != takes {
					t.Errorf("%s on %s with %v: %v, the server takes it: %v", expr, v, features, err, takes)
				}
			}
		}
	}
	if n < 2000 {
		t.Errorf("only %d verdicts", n)
	}
}

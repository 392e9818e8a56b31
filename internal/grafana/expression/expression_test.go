package expression

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// Recorded verdicts of a real Grafana 12.4 about rules with random mistakes: an evaluation failed exactly where we find something.
// TestExpressionsAsTheRealServer in test/grafana creates the rules and records the verdicts.
func TestRecordedVerdicts(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/verdicts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	fails := 0
	for line := range bytes.Lines(b) {
		var v struct {
			Rule  Rule
			Fails bool
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if v.Fails {
			fails++
		}
		if found := Check(v.Rule); v.Fails != (len(found) > 0) {
			t.Errorf("%s\nwe find %v", line, found)
		}
	}
	if all := bytes.Count(b, []byte("\n")); fails < 50 || fails > all-50 {
		t.Errorf("%d of %d rules fail; want many, but not all", fails, all)
	}
}

// ofA returns a rule with a query A and then the expressions B, C and so on, which are JSON.
func ofA(models ...string) Rule {
	r := Rule{Queries: []Query{{RefID: "A", Source: DataSource}}}
	for i, m := range models {
		q := Query{RefID: string(rune('B' + i)), Source: Expression, Seconds: 600}
		if err := json.Unmarshal([]byte(m), &q.Model); err != nil {
			panic(err)
		}
		r.Queries = append(r.Queries, q)
		r.Result = q.RefID
	}
	return r
}

const reduceA = `{"type": "reduce", "reducer": "last", "expression": "A"}`

func mathOf(s string) string {
	b, err := json.Marshal(map[string]string{"type": "math", "expression": s})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// A message names the mistake, and its hint says what to write instead, if that is known.
func TestMessages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule          Rule
		message, hint string
	}{
		{ofA(mathOf("$A and 1")), `"and" is not expected there`, "write &&"},
		{ofA(mathOf("$A = 1")), `"=" is not expected there`, "write =="},
		{ofA(mathOf("$A ==-1")), `"==-" is not expected there`, "space between two operators"},
		{ofA(mathOf("roud($A)")), "no function roud", `did you mean "round"?`},
		{ofA(mathOf("A > 1")), "no function A", "a query is written $A"},
		{ofA(mathOf("($A > 1")), "ends too early", ""},
		{ofA(mathOf(" ")), "the expression is empty", "expression: A"},
		{ofA(mathOf("$Gone")), `about "Gone", a query that the rule does not have`, "the refId of one of the queries"},
		{ofA(mathOf("$C"), mathOf("$D"), mathOf("$B")), "the expressions", "another query"},
		{ofA(mathOf("$B")), "about itself", "another query"},
		{ofA(`{"type": "reduce", "reducer": "avg", "expression": "A"}`), "no such reducer", "write mean"},
		{ofA(reduceA, `{"type": "threshold", "expression": "$B", "conditions": [{"evaluator": {"type": "gt", "params": [1]}}]}`), `about "$B"`, "without the dollar sign"},
		{ofA(reduceA, `{"type": "threshold", "expression": "B", "conditions": [{"evaluator": {"type": "within_range", "params": [1]}}]}`), "needs 2 params and has 1", "[5, 10]"},
		{ofA(reduceA, `{"type": "threshold", "expression": "B", "conditions": [{"evaluator": {"type": "gt", "params": ["1"]}}]}`), "'conditions.evaluator.params' must be a number, not a string", ""},
		{ofA(reduceA, `{"type": "threshold", "expression": "B", "conditions": {}}`), "'conditions' must be a list, not a map", ""},
		{ofA(`{"type": "resample", "expression": "A", "window": "20m", "downsampler": "mean", "upsampler": "pad"}`, `{"type": "reduce", "reducer": "last", "expression": "B"}`), "shorter than its 'window'", "relativeTimeRange"},
		{ofA(`{"type": "resample", "expression": "A", "window": "1m", "downsampler": "mean", "upsampler": "pad"}`), "the condition is a time series", "reduce"},
		{ofA(mathOf("1"), `{"type": "reduce", "reducer": "last", "expression": "B"}`), "a constant cannot be reduced: Grafana accepts the rule, but every evaluation fails", "without the reduce"},
		{ofA(`{"type": "sql", "expression": "SELECT * FROM a"}`), `about "a", a query that the rule does not have`, ""},
		{ofA(`{"type": "sql", "expression": "SELECT * FROM $A"}`), "dollar sign", "without the dollar sign"},
		{ofA(`{"type": "sql", "expression": "SELECT * FROM A"}`, reduceA), `reads "A" too`, "write the query twice"},
	} {
		found := Check(c.rule)
		if len(found) != 1 || !strings.Contains(found[0].Message, c.message) || !strings.Contains(found[0].Hint, c.hint) {
			t.Errorf("want the message %q and the hint %q, we find %v", c.message, c.hint, found)
		}
	}
}

// Of a rule with very many mistakes only some are reported. The place of each is looked for in the whole model, so 20,000 in a model of
// 750 KB took 10 s, and a file of 1.5 MB got no verdict at all.
func TestManyMistakes(t *testing.T) {
	t.Parallel()
	gone := "$Gone0"
	for i := 1; i < 1000; i++ {
		gone += fmt.Sprintf(" + $Gone%d", i)
	}
	if found := Check(ofA(mathOf(gone), mathOf("$A and"))); len(found) != maxProblems {
		t.Errorf("%d mistakes are reported, want %d", len(found), maxProblems)
	}
}

// What is not known is not reported: refIds from variables, models that cannot be read, sources that are not known, two
// queries with one refId, SQL that only a parser understands, and expressions that nothing needs.
func TestUnknownIsNotReported(t *testing.T) {
	t.Parallel()
	open := ofA(mathOf("$Gone"))
	open.Queries[0].Open = true
	unread := ofA(mathOf("$C"), reduceA)
	unread.Queries[2].Model = nil
	unknown := ofA(`{"type": "sql", "expression": "SELECT * FROM B"}`, mathOf("$A"))
	unknown.Queries[1].Source = Unknown
	twice := ofA(reduceA, mathOf("$B"), `{"type": "reduce", "reducer": "last", "expression": "B"}`)
	twice.Queries[2].RefID = "B"
	old := ofA(`{"type": "sql", "expression": ""}`, mathOf("$B"))
	old.NoSQL = true
	deep := ofA(mathOf(strings.Repeat("(", 5000) + "$Gone" + strings.Repeat(")", 5000)))
	aside := ofA(`{"type": "resample", "expression": "A", "window": "1h", "downsampler": "mean", "upsampler": "pad"}`, reduceA)
	for name, r := range map[string]Rule{
		"refId from a variable": open, "model": unread, "source": unknown, "one refId twice": twice, "old Grafana": old, "deep": deep, "not needed": aside, "nothing": {},
		"escapes in SQL": ofA(`{"type": "sql", "expression": "SELECT 'it''s' FROM Gone"}`), "executable comment": ofA(`{"type": "sql", "expression": "SELECT 1 /*! FROM Gone */"}`),
		"database": ofA(`{"type": "sql", "expression": "SELECT * FROM Gone.A"}`), "no statement": ofA(`{"type": "sql", "expression": "SHOW TABLES FROM Gone"}`),
		"function": ofA(`{"type": "sql", "expression": "SELECT EXTRACT(YEAR FROM Gone) FROM A"}`), "end of the list": ofA(`{"type": "sql", "expression": "SELECT 1 FROM A GROUP BY 1, Gone"}`),
	} {
		if found := Check(r); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// FuzzMath: any expression is read without a panic, and parentheses around it change neither its verdict nor its refIds.
func FuzzMath(f *testing.F) {
	for _, s := range []string{"$A + ${B c} ** -abs(1) >= .5", "!nan()", "1e", "$", "${", `abs("a")`, "((", "١", "a_b(", "==-1", "\xff", "0x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		refs, wrong, known := parseMath(s)
		again, wrongAgain, knownAgain := parseMath("(" + s + ")")
		if !known || !knownAgain {
			return
		}
		if wrong == (slip{}) && (wrongAgain != slip{} || !slices.Equal(refs, again)) {
			t.Errorf("%q is fine, and with parentheses %v %q %q", s, wrongAgain, refs, again)
		}
	})
}

// FuzzSQL: any SQL is read without a panic, and each table that is found is in the text.
func FuzzSQL(f *testing.F) {
	for _, s := range []string{"SELECT * FROM A, `B` JOIN C", "WITH a (b) AS (SELECT 1) SELECT * FROM a", "SELECT ')' FROM (SELECT 1 FROM A", "/*", "/*/ */", "--", "'", "FROM", "SELECT FROM $A", ")", "#\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tables, _, _ := sqlTables(s)
		for _, table := range tables {
			if !strings.Contains(s, table) {
				t.Errorf("%q reads %q", s, table)
			}
		}
	})
}

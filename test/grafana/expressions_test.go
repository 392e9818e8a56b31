package grafana

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/grafana/expression"
	"reloader/internal/grafana/grafanatest"
)

// someRules creates rules with random mistakes.
type someRules struct {
	*rand.Rand
	refs []string // of the queries before this one
}

// one returns one of the values, the first ones much more often.
func one[T any](r *someRules, values ...T) T {
	if r.IntN(4) > 0 {
		return values[0]
	}
	return values[r.IntN(len(values))]
}

// ref returns the refId of a query that comes before, or another one.
func (r *someRules) ref() string {
	if r.IntN(30) == 0 {
		return []string{"A", "B", "C", "D", "E", "Gone", "b"}[r.IntN(7)]
	}
	return r.refs[r.IntN(len(r.refs))]
}

// math returns a math expression that is right more often than not.
func (r *someRules) math(depth int) string {
	if r.IntN(60) == 0 {
		return one(r, "and", "=", "==-1", "--1", "(", ")", `"a"`, "$", "${", "${A", "1e", "0x", "foo(1)", "abs", ",", "1,2", "5m", "%", "!", "'a'", "[", "$A.b", "1.2.3", "١", "é", "_a", "", "1_0")
	}
	if depth == 0 || r.IntN(3) == 0 {
		return []string{"$" + r.ref(), "$" + r.ref(), "${" + r.ref() + "}", "1", "0x1F", ".5", "5.", "1e3", "08", "nan()", "inf( )", "-1", "!$A"}[r.IntN(13)]
	}
	switch r.IntN(12) {
	case 0:
		return []string{"abs", "log", "round", "is_nan", "is_number", "floor", "ceil", "is_inf", "is_null", "nan", "Abs"}[r.IntN(11)] + "(" + r.math(depth-1) + ")"
	case 1:
		return "(" + r.math(depth-1) + ")"
	case 2:
		return one(r, "!", "-", "- ", "! - ") + r.math(depth-1)
	case 3:
		return one(r, "floor(1)", "abs()", `ceil("a")`, "abs(1 2)", "nan(1)", "null()")
	default:
		return r.math(depth-1) + one(r, " ", "", "\n") + []string{"+", "-", "*", "/", "%", "**", "&&", "||", "==", "!=", "<", ">", "<=", ">=", ">", "/", "="}[r.IntN(17-min(1, r.IntN(5)))] + one(r, " ", "", "\t") + r.math(depth-1)
	}
}

func (r *someRules) sql() string {
	return one(r, "SELECT * FROM "+r.ref(), "SELECT x.* FROM `"+r.ref()+"` x", "SELECT a.* FROM "+r.ref()+" a JOIN "+r.ref()+" q ON 1=1", "SELECT * FROM "+r.ref()+", "+r.ref()+" AS q",
		"WITH t AS (SELECT * FROM "+r.ref()+") SELECT * FROM t", "WITH A (x) AS (SELECT 1), Gone AS (SELECT 2) SELECT * FROM "+r.ref(), "SELECT 1, 'FROM Gone' -- FROM Gone", "SELECT 1, TRIM('x' FROM 'xa') # FROM Gone",
		"SELECT 1 FROM "+r.ref()+" WHERE 1 IN (SELECT 1 FROM "+r.ref()+") ORDER BY 1, Gone", "SELECT 1 /* FROM Gone */ UNION SELECT 2 FROM "+r.ref(), "SELECT * FROM (SELECT 1 FROM "+r.ref()+") AS Gone",
		"", " ", "-- only this", "SELECT * FROM $"+r.ref(), "SELECT * FROM ${A}", "SELECT 1 FROM DUAL", "select 1, (select 2 from "+r.ref()+" limit 1)", "SELECT EXTRACT(YEAR FROM NOW())", "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS(b INT PATH '$')) t")
}

func (r *someRules) evaluator() any {
	return one[any](r, map[string]any{"type": one(r, "gt", "lt", "within_range", "outside_range", "eq", "gte", "within_range_included", "no_value", "GT", ""), "params": one[any](r, []any{1}, []any{1, 2}, []any{1, 2, 3}, []any{}, nil, []any{"1"}, []any{nil}, 5)},
		map[string]any{"Type": "gt", "PARAMS": []any{1.5}}, map[string]any{"type": 5}, "gt", nil, map[string]any{})
}

func (r *someRules) model() map[string]any {
	m := map[string]any{"type": []string{"math", "math", "reduce", "reduce", "threshold", "threshold", "resample", "classic_conditions", "sql", "Math"}[r.IntN(10-min(1, r.IntN(8)))]}
	about := one[any](r, r.ref(), r.ref(), r.ref(), "$"+r.ref(), r.ref(), "", nil, 5)
	set := func(key string, values ...any) {
		if r.IntN(80) > 0 {
			m[key] = one(r, values...)
		}
	}
	switch m["type"] {
	case "math":
		set("expression", r.math(3), r.math(3), r.math(2), r.math(1), "", 5, nil, true)
	case "reduce":
		set("expression", about)
		set("reducer", "last", "mean", "SUM", "median", "avg", "", 5, nil)
		if r.IntN(4) == 0 {
			set("settings", map[string]any{"mode": "dropNN"}, map[string]any{}, map[string]any{"mode": "replaceNN", "replaceWithValue": 0}, map[string]any{"mode": "strict"}, map[string]any{"mode": "replaceNN"}, map[string]any{"mode": "replaceNN", "replaceWithValue": "0"}, nil, map[string]any{"mode": nil})
		}
	case "threshold":
		set("expression", about)
		condition := map[string]any{"evaluator": r.evaluator()}
		if r.IntN(5) == 0 {
			condition["unloadEvaluator"] = r.evaluator()
		}
		set("conditions", []any{condition}, []any{condition}, []any{condition, condition}, []any{}, nil, condition, []any{nil}, []any{"a"})
	case "resample":
		set("expression", about)
		set("window", "1m", "90s", "1d", "1w", "20m", "", "5", "0s", "-1m", "1d12h", "d", 5)
		set("downsampler", "mean", "last", 5)
		set("upsampler", "fillna", "pad", "backfilling", nil)
	case "classic_conditions":
		condition := func() any {
			return map[string]any{"evaluator": r.evaluator(), "operator": one[any](r, map[string]any{"type": "and"}, map[string]any{}, nil), "reducer": map[string]any{"type": one[any](r, "last", "avg", "diff", "mean", nil)}, "query": map[string]any{"params": one[any](r, []any{r.ref()}, []any{"A", "5m", "now"}, []any{}, []any{1})}}
		}
		set("conditions", []any{condition()}, []any{condition(), condition()}, []any{}, nil, map[string]any{})
	case "sql":
		set("format", "alerting")
		set("expression", r.sql(), r.sql(), r.sql(), nil)
	}
	if r.IntN(60) == 0 {
		delete(m, "type")
	}
	return m
}

// asked is a rule as /api/v1/eval wants it.
type asked struct {
	Data      []map[string]any `json:"data"`
	Condition string           `json:"condition"`
}

func (r *someRules) rule() (asked, expression.Rule) {
	data := []map[string]any{{"refId": "A", "datasourceUid": "made", "relativeTimeRange": map[string]int{"from": 600, "to": 0}, "model": map[string]any{"refId": "A", "scenarioId": "csv_metric_values", "stringInput": "1,20,90"}}}
	rule := expression.Rule{Queries: []expression.Query{{RefID: "A", Source: expression.DataSource}}, Recording: true} // the answer may be a time series
	r.refs = []string{"A"}
	for _, ref := range []string{"B", "C", "D", "E"}[:1+r.IntN(4)] {
		model := r.model()
		seconds := one(r, 600, 600, 0, 86400*30)
		data = append(data, map[string]any{"refId": ref, "datasourceUid": "__expr__", "relativeTimeRange": map[string]int{"from": seconds, "to": 0}, "model": model})
		rule.Queries = append(rule.Queries, expression.Query{RefID: ref, Source: expression.Expression, Model: stored(model), Seconds: int64(seconds)})
		r.refs = append(r.refs, ref)
	}
	rule.Result = one(r, rule.Queries[len(rule.Queries)-1].RefID, "B", "A")
	return asked{data, rule.Result}, rule
}

// stored is a model as encoding/json reads it.
func stored(model map[string]any) (out map[string]any) {
	b, err := json.Marshal(model)
	if err != nil || json.Unmarshal(b, &out) != nil {
		panic(err)
	}
	return out
}

// A real server fails to evaluate exactly the rules in which we find something. Only a SQL expression may fail for other reasons.
func TestExpressionsAsTheRealServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "provisioning")
	g := grafanatest.StartReal(t, dir)
	g.Stop()
	path := filepath.Join(dir, "datasources", "d.yaml")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("apiVersion: 1\ndatasources: [{name: Made, uid: made, type: grafana-testdata-datasource}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.SetIni(t, "[feature_toggles]\nenable = sqlExpressions\n")
	g.Start(t)
	verdicts := compareExpressions(t, func(body string) (int, []byte, error) {
		return g.Ask(t.Context(), http.MethodPost, "/api/v1/eval", 0, body)
	})
	const recorded = "../../internal/grafana/expression/testdata/verdicts.jsonl" // for tests without a Grafana
	if os.Getenv("RELOADER_UPDATE") != "" && !t.Failed() {
		if err := os.WriteFile(recorded, verdicts, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func compareExpressions(t *testing.T, ask func(body string) (int, []byte, error)) (verdicts []byte) {
	r := &someRules{Rand: rand.New(rand.NewPCG(1, 2))}
	failing, wrong := 0, 0
	for n := 0; n < 1500 && wrong < 20; n++ {
		question, rule := r.rule()
		body, err := json.Marshal(question)
		if err != nil {
			t.Fatal(err)
		}
		status, answer, err := ask(string(body))
		if err != nil {
			t.Fatal(err)
		}
		var said struct {
			Message string
			Results map[string]struct{ Error string }
		}
		if err := json.Unmarshal(answer, &said); err != nil {
			t.Fatalf("%s: %d %s", body, status, answer)
		}
		reason := said.Message + said.Results[rule.Result].Error
		found := expression.Check(rule)
		if len(found) == 0 && onlySQLKnows(reason) {
			continue
		}
		if reason != "" {
			failing++
		}
		if (reason != "") != (len(found) > 0) {
			wrong++
			t.Errorf("%s\nthe server answered %d %q, we found %v", body, status, reason, found)
		}
		if n < 300 {
			line, err := json.Marshal(map[string]any{"rule": rule, "fails": reason != ""})
			if err != nil {
				t.Fatal(err)
			}
			verdicts = append(append(verdicts, line...), '\n')
		}
	}
	t.Logf("%d rules fail", failing)
	if failing < 400 || failing > 1400 {
		t.Errorf("%d of the rules fail; want many, but not all", failing)
	}
	return verdicts
}

// onlySQLKnows reports whether a SQL expression failed for a reason that only a database can find.
func onlySQLKnows(reason string) bool {
	return strings.Contains(reason, "numeric field") || strings.Contains(reason, "sse.sql.") && !strings.Contains(reason, "table_not_found") && !strings.Contains(reason, "empty_query")
}

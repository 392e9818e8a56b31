package expression

import (
	"slices"
	"strings"

	"reloader/internal/finding"
)

// shape is what the result of a query looks like if there is data.
type shape int

const (
	unknownShape shape = iota
	scalar             // a constant: a number without labels, made from no query
	number             // one number for each series
	series
	table // what only a SQL expression can read
)

// connect judges what an expression is about.
func (j *judge) connect(i int) {
	n, self := &j.nodes[i], j.rule.Queries[i]
	for _, need := range n.needs {
		target, there := j.index[need.ref]
		name := finding.Cut(need.ref, 60)
		switch {
		case !there && j.open:
		case !there:
			hint := need.hint
			if hint == "" {
				hint = "write the refId of one of the queries"
			}
			j.problem(i, always, hint, need.path, "the expression is about %q, a query that the rule does not have", name)
		case target < 0:
		case target == i && !self.Open:
			j.problem(i, always, "write the refId of another query", need.path, "the expression is about itself")
		default:
			n.inputs = append(n.inputs, target)
			j.pair(i, target, need, name)
		}
	}
}

// pair judges one query as the input of an expression.
func (j *judge) pair(i, target int, need need, name string) {
	n, input := j.nodes[i], j.nodes[target]
	isExpression := j.rule.Queries[target].Source == Expression
	switch {
	case n.kind == "classic_conditions" && isExpression:
		j.problem(i, always, "name the query of a data source", need.path, "classic conditions are about queries of data sources, and %q is an expression", name)
	case n.kind == "sql" && isExpression:
		j.problem(i, always, "name the query of a data source", need.path, "SQL expressions are about queries of data sources, and %q is an expression", name)
	case input.kind == "classic_conditions" && isExpression:
		j.problem(i, always, "use it as the condition, or replace it by a reduce and a threshold", need.path, "an expression cannot be about classic conditions such as %q", name)
	case input.kind == "sql" && isExpression && !j.rule.NoSQL:
		j.problem(i, always, "use it as the condition", need.path, "an expression cannot be about a SQL expression such as %q", name)
	}
}

// order returns the queries so that each comes after its inputs; not ok if expressions depend on each other, which is reported.
func (j *judge) order() (order []int, ok bool) {
	missing := make([]int, len(j.nodes))
	users := make([][]int, len(j.nodes))
	for i, n := range j.nodes {
		missing[i] = len(n.inputs)
		for _, in := range n.inputs {
			users[in] = append(users[in], i)
		}
	}
	for i := range j.nodes {
		if missing[i] == 0 {
			order = append(order, i)
		}
	}
	for k := 0; k < len(order); k++ {
		for _, u := range users[order[k]] {
			if missing[u]--; missing[u] == 0 {
				order = append(order, u)
			}
		}
	}
	if len(order) == len(j.nodes) {
		return order, true
	}
	j.circle(missing)
	return nil, false
}

// circle reports one circle of the expressions that wait for inputs: following the first such input of each leads to one.
func (j *judge) circle(missing []int) {
	at, seen := 0, map[int]bool{}
	for missing[at] == 0 {
		at++
	}
	waits := func(i int) int {
		for _, in := range j.nodes[i].inputs {
			if missing[in] > 0 {
				return in
			}
		}
		return i
	}
	for !seen[at] {
		seen[at] = true
		at = waits(at)
	}
	first, names := at, []string{j.rule.Queries[at].RefID}
	for i := waits(at); i != at; i = waits(i) {
		names = append(names, j.rule.Queries[i].RefID)
		first = min(first, i)
	}
	more := ""
	if len(names) > 5 {
		names, more = names[:5], " and more"
	}
	j.problem(first, always, "let one of them be about another query", []string{"expression"}, "the expressions %s%s depend on each other", finding.Cut(strings.Join(names, ", "), 100), more)
}

// shapes judges what happens if there is data. Only what the rule's result needs matters: other expressions may fail.
func (j *judge) shapes(order []int) {
	needed := make([]bool, len(j.nodes))
	result, there := j.index[j.rule.Result]
	if j.rule.Result == "" || !there || result < 0 {
		return
	}
	needed[result] = true
	for _, i := range slices.Backward(order) {
		if needed[i] {
			for _, in := range j.nodes[i].inputs {
				needed[in] = true
			}
		}
	}
	for _, n := range j.nodes {
		for _, in := range n.inputs {
			if n.kind == "sql" && !j.rule.NoSQL {
				j.nodes[in].result = table
			}
		}
	}
	for _, i := range order {
		if n := &j.nodes[i]; n.sound {
			j.shape(i, n, needed[i])
		}
	}
	if j.nodes[result].result == series && !j.rule.Recording {
		j.problem(result, withData, "put a reduce expression after it, and make that the condition", []string{"type"}, "the condition is a time series, and must be reduced to a number")
	}
}

// shape finds out the shape of one result.
func (j *judge) shape(i int, n *node, needed bool) {
	// An input whose shape is not known may be anything; no input at all makes a math expression a scalar.
	all, known := scalar, true
	for _, in := range n.inputs {
		s := j.nodes[in].result
		known = known && s != unknownShape
		all = max(all, s)
	}
	known = known && len(n.inputs) == len(n.needs)
	if all == table && n.kind != "sql" {
		j.ofTable(i, n, needed)
		return
	}
	switch n.kind {
	case "math":
		if known || all == series {
			n.result = all
		}
	case "threshold":
		if known {
			n.result = all
		}
	case "reduce":
		n.result = number
		if known && all == scalar && needed {
			j.problem(i, always, "use it without the reduce", []string{"expression"}, "a constant cannot be reduced")
		}
	case "resample":
		n.result = series
		if known && all != series && needed {
			j.problem(i, withData, "resample the query itself, before the reduce", []string{"expression"}, "only time series can be resampled, not numbers")
		}
		if needed {
			j.window(i)
		}
	case "classic_conditions":
		n.result = number
	}
}

// ofTable judges an expression about a query that a SQL expression also reads.
func (j *judge) ofTable(i int, n *node, needed bool) {
	text, _ := j.rule.Queries[i].Model["expression"].(string)
	if n.kind == "math" && strings.Trim(text, "${}() \n\t") == n.needs[0].ref {
		n.result = table // it does nothing
		return
	}
	for k, in := range n.inputs {
		if needed && j.nodes[in].result == table {
			name := finding.Cut(j.rule.Queries[in].RefID, 60)
			j.problem(i, withData, "write the query twice, with another refId for the SQL expression", n.needs[k].path, "a SQL expression reads %q too, which makes it a table that no other expression can use", name)
			return
		}
	}
}

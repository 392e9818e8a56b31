package finding

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Sort orders findings by file, line, column, severity (errors first), rule and message. Findings of rule RuleMore come last in
// their file; those about other files come at the very end.
func Sort(findings []Finding) {
	last := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	sort.SliceStable(findings, func(i, j int) bool {
		a, b := &findings[i], &findings[j]
		moreA, moreB := a.Rule == RuleMore, b.Rule == RuleMore
		return cmp.Or(
			last(moreA && a.File == "")-last(moreB && b.File == ""),
			strings.Compare(a.File, b.File),
			last(moreA)-last(moreB),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(b.Severity, a.Severity),
			strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.Message, b.Message),
		) < 0
	})
}

// HasErrors reports whether any finding is an error.
func HasErrors(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error })
}

// OfSeverity are the findings of one severity, in their order.
func OfSeverity(findings []Finding, s Severity) []Finding {
	var list []Finding
	for _, f := range findings {
		if f.Severity == s {
			list = append(list, f)
		}
	}
	return list
}

// Invalid reports whether the files must not be used.
func (r Result) Invalid() bool { return HasErrors(r.Findings) }

// String is the finding on one line: file:line:column: severity: message [rule]. Unknown parts are left out.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.Position())
	b.WriteString(": ")
	b.WriteString(f.Severity.String())
	b.WriteString(": ")
	b.WriteString(OneLine(f.Message))
	if f.Rule != "" {
		b.WriteString(" [")
		b.WriteString(OneLine(f.Rule))
		b.WriteByte(']')
	}
	return b.String()
}

// Position is file:line:column, which editors and terminals make clickable. A file name can contain any character but a slash
// and NUL; those that would break the line are replaced.
func (f Finding) Position() string {
	p := cmp.Or(AtStart(f.File), "-")
	if f.Line > 0 {
		p += ":" + strconv.Itoa(f.Line)
		if f.Column > 0 {
			p += ":" + strconv.Itoa(f.Column)
		}
	}
	return p
}

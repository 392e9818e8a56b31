package finding

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Sort orders findings by file, line, column, severity (errors first), rule and message.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(b.Severity, a.Severity),
			strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.Message, b.Message),
		)
	})
}

// HasErrors reports whether any finding blocks.
func HasErrors(findings []Finding) bool {
	return Count(findings, Error) > 0
}

// Count is the number of findings of one severity.
func Count(findings []Finding, s Severity) int {
	return len(OfSeverity(findings, s))
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

// Invalid reports whether the verdict is that the files must not be used.
func (r Result) Invalid() bool { return HasErrors(r.Findings) }

// String is the finding on one line: file:line:column: severity: message [rule].
// What is not known is left out.
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

// Position is file:line:column, as editors and terminals make clickable. A file name can hold anything
// but a slash and NUL; here it stays within its line.
func (f Finding) Position() string {
	p := AtStart(f.File)
	if p == "" {
		p = "-"
	}
	if f.Line > 0 {
		p += ":" + strconv.Itoa(f.Line)
		if f.Column > 0 {
			p += ":" + strconv.Itoa(f.Column)
		}
	}
	return p
}

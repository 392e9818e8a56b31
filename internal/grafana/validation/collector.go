package validation

import (
	"fmt"
	"slices"

	"reloader/internal/finding"
)

// Bounds on what is kept, for each severity: one broken file of a megabyte can have a million mistakes.
const (
	MaxPerFile = 100
	maxInAll   = 1000
)

// collector collects findings. What is beyond the bounds is counted and told in one finding of the same
// severity, so that a verdict never depends on the bounds. The zero value is ready to use.
type collector struct {
	list   []finding.Finding
	files  map[fileSeverity]*tally
	inAll  [finding.Error + 1]int
	beyond [finding.Error + 1]int // dropped because of maxInAll
}

type fileSeverity struct {
	file     string
	severity finding.Severity
}

// tally is what one file has of one severity.
type tally struct{ listed, more, lastLine int }

// add takes a finding, or counts it.
func (b *collector) add(f finding.Finding) {
	if b.inAll[f.Severity] >= maxInAll {
		b.beyond[f.Severity]++
		return
	}
	if b.files == nil {
		b.files = map[fileSeverity]*tally{}
	}
	id := fileSeverity{f.File, f.Severity}
	t := b.files[id]
	if t == nil {
		t = &tally{}
		b.files[id] = t
	}
	if t.listed >= MaxPerFile {
		t.more++
		return
	}
	t.listed++
	t.lastLine = max(t.lastLine, f.Line)
	b.inAll[f.Severity]++
	b.list = append(b.list, f)
}

// full says that no more errors of the file are listed: there is no use in looking for them.
func (b *collector) full(file string) bool {
	t := b.files[fileSeverity{file, finding.Error}]
	return b.inAll[finding.Error] >= maxInAll || t != nil && t.listed >= MaxPerFile
}

// Drop takes findings back.
func (b *collector) Drop(unwanted func(finding.Finding) bool) {
	b.list = slices.DeleteFunc(b.list, unwanted)
}

// sorted are all, in order and without repetitions.
func (b *collector) sorted() []finding.Finding {
	out := slices.Clone(b.list)
	for id, t := range b.files {
		if t.more > 0 {
			out = append(out, finding.Finding{File: id.file, Line: max(t.lastLine, 1), Column: 1, Severity: id.severity, Rule: finding.RuleMore,
				Message: fmt.Sprintf("%d more findings in this file are not shown", t.more)})
		}
	}
	for s, n := range b.beyond {
		if n > 0 {
			out = append(out, finding.Finding{Severity: finding.Severity(s), Rule: finding.RuleMore, Message: fmt.Sprintf("%d more findings in other files are not shown", n)})
		}
	}
	finding.Sort(out)
	return slices.Compact(out)
}

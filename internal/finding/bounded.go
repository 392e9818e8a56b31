package finding

import (
	"fmt"
	"slices"
)

// RuleMore says that there are more findings than are listed.
const RuleMore = "more-findings"

// Bounds on what is listed, for each severity: one broken file of a megabyte can have a million mistakes.
const (
	MaxPerFile = 100
	MaxInAll   = 1000
)

// Bounded collects findings. What is beyond the bounds is counted and told in one finding of the same
// severity, so that a verdict never depends on the bounds. The zero value is ready to use.
type Bounded struct {
	list   []Finding
	files  map[fileSeverity]*tally
	inAll  [Error + 1]int
	beyond [Error + 1]int // dropped because of MaxInAll
}

type fileSeverity struct {
	file     string
	severity Severity
}

// tally is what one file has of one severity.
type tally struct{ listed, more, lastLine int }

// Add takes a finding, or counts it.
func (b *Bounded) Add(f Finding) {
	if b.inAll[f.Severity] >= MaxInAll {
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

// Full says that no more errors of the file are listed: there is no use in looking for them.
func (b *Bounded) Full(file string) bool {
	t := b.files[fileSeverity{file, Error}]
	return b.inAll[Error] >= MaxInAll || t != nil && t.listed >= MaxPerFile
}

// Drop takes findings back.
func (b *Bounded) Drop(unwanted func(Finding) bool) { b.list = slices.DeleteFunc(b.list, unwanted) }

// List is sorted and without repetitions.
func (b *Bounded) List() []Finding {
	out := slices.Clone(b.list)
	for id, t := range b.files {
		if t.more > 0 {
			out = append(out, Finding{File: id.file, Line: max(t.lastLine, 1), Column: 1, Severity: id.severity, Rule: RuleMore,
				Message: fmt.Sprintf("and %d more of severity %s in this file", t.more, id.severity), Hint: "repair these first"})
		}
	}
	for s, n := range b.beyond {
		if n > 0 {
			out = append(out, Finding{Severity: Severity(s), Rule: RuleMore, Message: fmt.Sprintf("and %d more of severity %s in other files", n, Severity(s)), Hint: "repair these first"})
		}
	}
	Sort(out)
	return slices.Compact(out)
}

package validation

import (
	"slices"

	"reloader/internal/finding"
)

// Limits on the findings that are kept, for each severity: one broken file of a megabyte can have a million mistakes.
const (
	MaxPerFile = 100
	maxInAll   = 1000
)

// collector collects findings. Those beyond the limits are counted and reported in one finding of the same
// severity, so that a verdict never depends on the limits. The zero value is ready to use.
type collector struct {
	list   []finding.Finding
	files  map[fileSeverity]*tally
	inAll  [finding.Error + 1]int
	beyond [finding.Error + 1]int // dropped because of maxInAll
	// stopped are the files that were not read to the end.
	stopped map[string]bool
}

type fileSeverity struct {
	file     string
	severity finding.Severity
}

// tally counts the findings of one severity in one file.
type tally struct{ listed, more int }

// add keeps a finding, or only counts it.
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
	b.inAll[f.Severity]++
	b.list = append(b.list, f)
}

// full reports that no more errors of the file are kept: it is pointless to find more.
func (b *collector) full(file string) bool {
	t := b.files[fileSeverity{file, finding.Error}]
	return b.inAll[finding.Error] >= maxInAll || t != nil && t.listed >= MaxPerFile
}

// stop remembers that a file is not read to the end.
func (b *collector) stop(file string) {
	if b.stopped == nil {
		b.stopped = map[string]bool{}
	}
	b.stopped[file] = true
}

// Drop removes findings.
func (b *collector) Drop(unwanted func(finding.Finding) bool) {
	b.list = slices.DeleteFunc(b.list, unwanted)
}

// sorted returns all findings, sorted and without duplicates.
func (b *collector) sorted() []finding.Finding {
	out := slices.Clone(b.list)
	for id, t := range b.files {
		if open := b.stopped[id.file] && id.severity == finding.Error; t.more > 0 || open {
			out = append(out, finding.More(id.file, id.severity, t.more, open))
		}
	}
	for s, n := range b.beyond {
		if n > 0 {
			out = append(out, finding.More("", finding.Severity(s), n, len(b.stopped) > 0))
		}
	}
	finding.Sort(out)
	return slices.Compact(out)
}

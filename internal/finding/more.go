package finding

import (
	"fmt"
	"slices"
	"strconv"
)

// RuleMore names the findings that say how many others are not shown; docs/checks.md explains it.
const RuleMore = "more-findings"

// More is a finding in place of n findings of one severity in a file that are not shown. Open means that the search ended early,
// so there may be more than n. An empty file stands for several other files.
func More(file string, s Severity, n int, open bool) Finding {
	words := map[Severity][2]string{Error: {"error", "errors"}, Warning: {"warning", "warnings"}, Info: {"remark", "remarks"}}[s]
	where := "this file"
	if file == "" {
		where = "other files"
	}
	f := Finding{File: file, Severity: s, Rule: RuleMore, More: n, Open: open}
	switch {
	case n == 0:
		f.Message = fmt.Sprintf("there may be more %s in %s: the search ended here", words[1], where)
	case n == 1 && !open:
		f.Message = fmt.Sprintf("1 more %s in %s is not shown", words[0], where)
	case open:
		f.Message = fmt.Sprintf("at least %d more %s in %s are not shown", n, words[1], where)
	default:
		f.Message = fmt.Sprintf("%d more %s in %s are not shown", n, words[1], where)
	}
	return f
}

// Count is the number of findings of one severity, including those that are not shown. If the search ended early, there may be
// more (see Number).
func Count(findings []Finding, s Severity) int {
	n := 0
	for _, f := range findings {
		switch {
		case f.Severity != s:
		case f.Rule == RuleMore:
			n += f.More
		default:
			n++
		}
	}
	return n
}

// Number is Count in words: "1 error", "5 errors", "at least 5 errors".
func Number(findings []Finding, s Severity) string {
	n := Count(findings, s)
	text := strconv.Itoa(n) + " " + s.String()
	if n != 1 {
		text += "s"
	}
	return AtLeast(findings, s) + text
}

// AtLeast is the text to put before a Count: "at least " if the search ended early, else nothing.
func AtLeast(findings []Finding, severities ...Severity) string {
	for _, f := range findings {
		if f.Open && slices.Contains(severities, f.Severity) {
			return "at least "
		}
	}
	return ""
}

type inFile struct {
	file     string
	severity Severity
}

// left counts the findings that are not shown.
type left map[inFile]struct {
	n    int
	open bool
}

// note counts findings of one file as not shown.
func (l left) note(file string, findings ...Finding) {
	for _, f := range findings {
		id := inFile{file, f.Severity}
		c := l[id]
		c.n += Count([]Finding{f}, f.Severity)
		c.open = c.open || f.Open
		l[id] = c
	}
}

// findings has one finding for each file and severity; beyond maxPerFile of them, the rest is summed up.
func (l left) findings() []Finding {
	var all []Finding
	for id, c := range l {
		all = append(all, More(id.file, id.severity, c.n, c.open))
	}
	worstFirst(all)
	if len(all) <= maxPerFile {
		return all
	}
	rest := left{}
	rest.note("", all[maxPerFile:]...)
	return append(all[:maxPerFile], rest.findings()...)
}

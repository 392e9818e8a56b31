package paths

import (
	"path/filepath"
	"slices"
	"strings"
)

// Pattern is a valid filepath.Match pattern for many paths: most are ruled out without a real comparison.
type Pattern struct {
	text string
	// Each path that matches begins with begin and contains part.
	begin, part string
}

// metas are the characters of a pattern that do not stand for themselves.
const metas = `*?[\`

// NewPattern analyses a pattern, once for all paths.
func NewPattern(text string) Pattern {
	p := Pattern{text: text, begin: text}
	if i := strings.IndexAny(text, metas); i >= 0 {
		p.begin = text[:i]
	}
	if !strings.ContainsAny(text, `[\`) {
		for part := range strings.FieldsFuncSeq(text[len(p.begin):], func(r rune) bool { return r == '*' || r == '?' }) {
			if len(part) > len(p.part) {
				p.part = part
			}
		}
	}
	return p
}

// Match gives the result of filepath.Match.
func (p Pattern) Match(name string) bool {
	if !strings.Contains(name, p.part) {
		return false
	}
	ok, err := filepath.Match(p.text, name)
	return ok && err == nil
}

// Prefixed returns the sorted names that begin with a prefix.
func Prefixed(sorted []string, prefix string) []string {
	from, _ := slices.BinarySearch(sorted, prefix)
	n := 0
	for from+n < len(sorted) && strings.HasPrefix(sorted[from+n], prefix) {
		n++
	}
	return sorted[from : from+n]
}

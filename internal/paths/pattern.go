package paths

import (
	"path/filepath"
	"slices"
	"strings"
)

// Pattern is a valid pattern of filepath.Match that is compared with many paths: most are ruled out without a real comparison.
type Pattern struct {
	text string
	// begin and part are in each path that matches: at its beginning, anywhere.
	begin, part string
}

// metas are the characters of a pattern that do not stand for themselves.
const metas = `*?[\`

// NewPattern looks at a pattern once.
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

// Match is filepath.Match.
func (p Pattern) Match(name string) bool {
	if !strings.Contains(name, p.part) {
		return false
	}
	ok, err := filepath.Match(p.text, name)
	return ok && err == nil
}

// Prefixed are those of sorted names that begin with a prefix.
func Prefixed(sorted []string, prefix string) []string {
	from, _ := slices.BinarySearch(sorted, prefix)
	n := 0
	for from+n < len(sorted) && strings.HasPrefix(sorted[from+n], prefix) {
		n++
	}
	return sorted[from : from+n]
}

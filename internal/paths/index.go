package paths

import (
	"slices"
	"strings"
)

// Index narrows many paths down to the few that can match a pattern.
type Index struct {
	sorted []string
	// reversed are the paths read backwards, sorted; segments are indexes of sorted. Both are made when first needed.
	reversed []string
	segments map[segment][]int32
	// asked counts the patterns that would have needed them.
	asked int
}

// segment is a part of a path between slashes: part k of a path with n slashes.
type segment struct {
	n, k int
	text string
}

// few is how many paths are compared one by one: below that, narrowing down costs more than it saves.
const few = 32

// firstAsked is how many patterns are compared with all paths before what narrows them down is made: making it takes as long.
const firstAsked = 4

// NewIndex is an index of sorted paths.
func NewIndex(sorted []string) *Index { return &Index{sorted: sorted} }

// Sorted are all paths, sorted.
func (x *Index) Sorted() []string { return x.sorted }

// Candidates are all paths that match the pattern and few others, sorted.
func (x *Index) Candidates(p Pattern) []string {
	best := Prefixed(x.sorted, p.begin)
	if len(best) <= few || strings.ContainsAny(p.text, `[\`) { // a bracket may stand for a slash
		return best
	}
	if x.asked++; x.asked <= firstAsked {
		return best
	}
	if places, ok := x.bySegment(p.text); ok && len(places) < len(best) {
		best = make([]string, len(places))
		for i, at := range places {
			best[i] = x.sorted[at]
		}
	}
	if len(best) <= few {
		return best
	}
	if ends := x.byEnd(p.text); len(ends) < len(best) {
		best = make([]string, len(ends))
		for i, r := range ends {
			best[i] = backwards(r)
		}
		slices.Sort(best)
	}
	return best
}

// bySegment are the paths that share the rarest segment of a pattern without special characters; false when all have some.
func (x *Index) bySegment(pattern string) (places []int32, ok bool) {
	if x.segments == nil {
		x.segments = map[segment][]int32{}
		for i, p := range x.sorted {
			n := strings.Count(p, "/")
			k := 0
			for text := range strings.SplitSeq(p, "/") {
				at := segment{n, k, text}
				x.segments[at] = append(x.segments[at], int32(i)) //nolint:gosec // paths in memory are fewer
				k++
			}
		}
	}
	n, k := strings.Count(pattern, "/"), 0
	for text := range strings.SplitSeq(pattern, "/") {
		if !strings.ContainsAny(text, metas) {
			if list := x.segments[segment{n, k, text}]; !ok || len(list) < len(places) {
				places, ok = list, true
			}
		}
		k++
	}
	return places, ok
}

// byEnd are the paths, read backwards, that end like the pattern.
func (x *Index) byEnd(pattern string) []string {
	if x.reversed == nil {
		x.reversed = make([]string, len(x.sorted))
		for i, p := range x.sorted {
			x.reversed[i] = backwards(p)
		}
		slices.Sort(x.reversed)
	}
	return Prefixed(x.reversed, backwards(pattern[strings.LastIndexAny(pattern, metas)+1:]))
}

// backwards reverses the bytes of a text.
func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

package finding

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Nearest is the known word that was probably meant by word; empty when none is near enough.
// Differences of case, and of - and _, count for nothing; otherwise about one typing mistake
// (insertion, deletion, replacement, swap) per three letters of each part is forgiven. Another part
// is another word: scrape_classic_histograms is not meant by scrape_native_histograms.
func Nearest(word string, known []string) string {
	if all := nearest(word, known); len(all) > 0 {
		return all[0]
	}
	return ""
}

// nearest are the known words that are as near as any, in their order.
func nearest(word string, known []string) (best []string) {
	if word == "" || len(word) > 100 {
		return nil
	}
	w := parts(word)
	limit := 1 + utf8.RuneCountInString(strings.Join(w, "_"))/3
	for _, k := range known {
		p := parts(k)
		if slices.Equal(p, w) {
			return []string{k}
		}
		switch d := between(w, p, limit); {
		case d > limit:
		case d < limit || len(best) == 0:
			best, limit = []string{k}, d
		default:
			best = append(best, k)
		}
	}
	return best
}

// DidYouMean is a hint that names the nearest known word, or the two that are equally near; empty when there is none, or
// when there are more.
func DidYouMean(word string, known []string) string {
	switch n := nearest(word, known); {
	case len(n) == 1 && n[0] != word:
		return "did you mean \"" + n[0] + "\"?"
	case len(n) == 2:
		return "did you mean \"" + n[0] + "\" or \"" + n[1] + "\"?"
	default:
		return ""
	}
}

// parts are the words that a name is made of, in lower case.
func parts(name string) []string {
	var b strings.Builder
	last := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && (unicode.IsLower(last) || unicode.IsDigit(last)) {
			b.WriteByte('_')
		}
		if r == '-' {
			r = '_'
		}
		b.WriteRune(unicode.ToLower(r))
		last = r
	}
	return strings.Split(b.String(), "_")
}

// between is the distance of two names; a value above limit when they are too far apart to be the same by mistake.
func between(a, b []string, limit int) int {
	x, y := strings.Join(a, "_"), strings.Join(b, "_")
	whole := distance(x, y, limit)
	if whole > limit {
		return whole
	}
	if len(a) != len(b) {
		// A part more or less is another name, unless it is a separator that was forgotten.
		if distance(strings.ReplaceAll(x, "_", ""), strings.ReplaceAll(y, "_", ""), 1) > 1 {
			return limit + 1
		}
		return whole
	}
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		most := 1 + utf8.RuneCountInString(a[i])/3
		if opposites(a[i], b[i]) || distance(a[i], b[i], most) > most {
			return limit + 1
		}
	}
	return whole
}

// contrary are words that differ by little and mean the opposite.
var contrary = [][2]string{
	{"enable", "disable"}, {"enabled", "disabled"}, {"include", "exclude"}, {"included", "excluded"}, {"includes", "excludes"}, {"min", "max"},
	{"allow", "disallow"}, {"allowed", "disallowed"}, {"secure", "insecure"}, {"read", "write"}, {"keep", "drop"}, {"always", "never"}, {"ignore", "promote"},
	{"visible", "invisible"}, {"known", "unknown"}, {"set", "unset"}, {"mute", "unmute"},
}

func opposites(a, b string) bool {
	return slices.Contains(contrary, [2]string{a, b}) || slices.Contains(contrary, [2]string{b, a})
}

// distance is the optimal string alignment distance of a and b; a value above limit when it
// exceeds limit.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) > limit || len(y)-len(x) > limit {
		return limit + 1
	}
	before := make([]int, len(y)+1)
	last := make([]int, len(y)+1)
	row := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

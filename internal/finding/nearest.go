package finding

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Nearest is the known word that the user probably meant; empty when none is near enough. Upper and lower case, and - and _, are
// the same. Apart from that, about one typing mistake (insertion, deletion, replacement, swap) per three letters of each part is
// forgiven. A different part makes a different word: scrape_native_histograms is not a mistake for scrape_classic_histograms.
func Nearest(word string, known []string) string {
	if all := nearest(word, known); len(all) > 0 {
		return all[0]
	}
	return ""
}

// nearest are the known words with the smallest distance, in their order.
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

// DidYouMean is a hint with the nearest known word, or the two nearest; empty when there is none, or when more than two are equally
// near.
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

// parts are the parts of a name (snake_case, kebab-case or camelCase), in lower case.
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

// between is the distance of two names; above limit when they are too far apart to be a typing mistake.
func between(a, b []string, limit int) int {
	x, y := strings.Join(a, "_"), strings.Join(b, "_")
	whole := distance(x, y, limit)
	if whole > limit {
		return whole
	}
	if len(a) != len(b) {
		// With one part more or less it is a different name, unless only a separator was forgotten.
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

// contrary are words that are near each other and mean the opposite.
var contrary = [][2]string{
	{"enable", "disable"}, {"enabled", "disabled"}, {"include", "exclude"}, {"included", "excluded"}, {"includes", "excludes"}, {"min", "max"},
	{"allow", "disallow"}, {"allowed", "disallowed"}, {"secure", "insecure"}, {"read", "write"}, {"keep", "drop"}, {"always", "never"}, {"ignore", "promote"},
	{"visible", "invisible"}, {"known", "unknown"}, {"set", "unset"}, {"mute", "unmute"},
}

func opposites(a, b string) bool {
	return slices.Contains(contrary, [2]string{a, b}) || slices.Contains(contrary, [2]string{b, a})
}

// distance is the optimal string alignment distance of a and b; if it exceeds limit, some value above limit.
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

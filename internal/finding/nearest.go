package finding

import (
	"strings"
	"unicode/utf8"
)

// Nearest is the known word that was probably meant by word; empty when none is near enough.
// Differences of case, and of - and _, count for nothing; otherwise about one typing mistake
// (insertion, deletion, replacement, swap) per three letters is forgiven.
func Nearest(word string, known []string) string {
	if word == "" || len(word) > 100 {
		return ""
	}
	w := normal(word)
	best, bestDistance := "", 1+utf8.RuneCountInString(w)/3
	for _, k := range known {
		n := normal(k)
		if n == w {
			return k
		}
		if d := distance(w, n, bestDistance); d < bestDistance || d == bestDistance && best == "" {
			best, bestDistance = k, d
		}
	}
	return best
}

// DidYouMean is a hint that names the nearest known word; empty when there is none.
func DidYouMean(word string, known []string) string {
	n := Nearest(word, known)
	if n == "" || n == word {
		return ""
	}
	return "did you mean \"" + n + "\"?"
}

func normal(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "-", "_")
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

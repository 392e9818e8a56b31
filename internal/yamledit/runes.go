package yamledit

import (
	"slices"
	"unicode/utf8"
)

// Runes finds a character of a text by its number, and the number by the place, as fast at the end of a long line as at its beginning.
type Runes struct {
	text  []byte
	marks []int // where every markEvery-th character begins
}

// markEvery is how many characters are counted at most to find one.
const markEvery = 512

// NewRunes counts the characters of a text, which must not change.
func NewRunes(text []byte) *Runes {
	r := &Runes{text: text, marks: []int{0}}
	for n, at := 1, 0; at < len(text); n++ {
		_, size := utf8.DecodeRune(text[at:])
		if at += size; n%markEvery == 0 {
			r.marks = append(r.marks, at)
		}
	}
	return r
}

// Offset is where character n begins, counted from 0; the end of the text when there is none.
func (r *Runes) Offset(n int) int {
	i := min(n/markEvery, len(r.marks)-1)
	at := r.marks[i]
	for range min(n-i*markEvery, markEvery) {
		_, size := utf8.DecodeRune(r.text[at:])
		at += size
	}
	return at
}

// Number is how many characters begin before an offset, which is the beginning of one or the end of the text.
func (r *Runes) Number(offset int) int {
	i, found := slices.BinarySearch(r.marks, offset)
	if !found {
		i--
	}
	return i*markEvery + utf8.RuneCount(r.text[r.marks[i]:offset])
}

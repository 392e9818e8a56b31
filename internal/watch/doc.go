// Package watch decides when a source must be read again: file system events and polling, both.
//
// Everything it says is a hint. It never reads contents and never decides whether something
// changed: a subscriber reads its directories after each hint and compares. That makes lost, doubled
// and meaningless events harmless, and leaves one duty here: after any fault a hint comes
// within one poll interval.
package watch

// Package watch decides when a source must be read again, by file system events and by polling.
//
// Everything it reports is a hint. It never reads contents and never decides whether something
// changed: a subscriber reads its directories after each hint and compares. That makes lost, duplicate
// and meaningless events harmless. One duty remains: after any fault a hint comes
// within one poll interval.
package watch

// Package lazyregexp compiles a regular expression when it is first used: a process starts for every verdict, and needs most
// of its expressions only to explain a mistake.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New returns the compiled expression on demand. Like regexp.MustCompile it panics on a bad one, at the first call.
//
//go:noinline // its calls run once, at the start
func New(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

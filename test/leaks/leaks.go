// Package leaks finds goroutines that the tests of a package leave behind.
package leaks

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines get to end after the last test.
const patience = 10 * time.Second

// Main is the TestMain of a package that starts goroutines: it runs the tests, and fails if one of them leaves
// a goroutine of this module behind.
func Main(m *testing.M) { os.Exit(Check(m.Run)) }

// Check is Main for packages with a TestMain of their own: it returns the exit code.
func Check(run func() int) int {
	code := run()
	if code != 0 {
		return code
	}
	var left []string
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if left = ours(); len(left) == 0 {
			return 0
		}
		if time.Now().After(deadline) {
			break
		}
	}
	fmt.Fprintf(os.Stderr, "FAIL: %d goroutines were left behind:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
	return 1
}

// ours are the stacks of all goroutines that run code of this module, except the calling one.
func ours() []string {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	var left []string
	for i, stack := range strings.Split(string(buf), "\n\n") {
		if i > 0 && strings.Contains(stack, "reloader/") {
			left = append(left, stack)
		}
	}
	return left
}

package app

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"

	"reloader/internal/finding"
)

// guarded is a validator that cannot end the process: files on which ours stumbles would do so again after each restart,
// and take the other targets with them.
type guarded struct{ finding.Validator }

// Validate implements finding.Validator. A panic is no verdict.
func (g guarded) Validate(ctx context.Context, req finding.Request) (res finding.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The value may hold an excerpt of the files; where it happened does not.
			res, err = finding.Result{}, fmt.Errorf("judge the files: a fault in reloader, please report it: %s", where(debug.Stack()))
		}
	}()
	return g.Validator.Validate(ctx, req)
}

// where names the function in which a panic began, by the stack that a deferred function sees.
func where(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic(") && i+3 < len(lines) {
			name, _, _ := strings.Cut(lines[i+2], "(0x")
			at, _, _ := strings.Cut(strings.TrimSpace(lines[i+3]), " ")
			return strings.TrimSuffix(name, "(...)") + ", " + filepath.Base(at)
		}
	}
	return "unknown place"
}

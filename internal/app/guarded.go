package app

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"

	"reloader/internal/finding"
	"reloader/internal/reload"
)

// guarded is a validator that cannot end the process. Otherwise files that make it panic would do so again after each
// restart, and stop all other targets too.
type guarded struct{ finding.Validator }

// Validate implements finding.Validator. A panic is no verdict.
func (g guarded) Validate(ctx context.Context, req finding.Request) (res finding.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's value may contain an excerpt of the files; the place does not.
			res, err = finding.Result{}, fmt.Errorf("judge the files: a bug in reloader, please report it: %s", where(debug.Stack()))
		}
	}()
	return g.Validator.Validate(ctx, req)
}

// planGuard is a driver whose Plan cannot end the process either: it reads the files' contents.
type planGuard struct{ reload.Driver }

// Plan implements reload.Driver. A panic means "cannot tell now", like any error.
func (g planGuard) Plan(ctx context.Context, c reload.Change) (p reload.Plan, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = reload.Plan{}, fmt.Errorf("plan the change: a bug in reloader, please report it: %s", where(debug.Stack()))
		}
	}()
	return g.Driver.Plan(ctx, c)
}

// where returns the function and line in which a panic began, from the stack that a deferred function sees.
func where(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic(") && i+3 < len(lines) {
			name := lines[i+2]
			if args := strings.LastIndexByte(name, '('); args > 0 {
				name = name[:args] // the arguments are addresses and parts of values
			}
			at, _, _ := strings.Cut(strings.TrimSpace(lines[i+3]), " ")
			return name + ", " + filepath.Base(at)
		}
	}
	return "unknown place"
}

package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"reloader/test/rig"
)

// exitCode runs a program and requires this exit code: code N PROGRAM ARGS...
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program args...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // testscript returns it unwrapped
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// oneLineOnly requires that the last command wrote exactly one line to standard error, and did not panic: oneline
func oneLineOnly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: oneline")
	}
	stderr := ts.ReadFile("stderr")
	if n := strings.Count(stderr, "\n"); n != 1 || strings.Contains(stderr, "panic") {
		ts.Fatalf("%d lines on standard error, want 1", n)
	}
}

// sparseFile makes a file of this size that takes no space on the disk: sparse FILE BYTES
func sparseFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sparse file bytes")
	}
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(f.Truncate(size))
	ts.Check(f.Close())
}

// freePort sets a variable to an address at which nothing listens, or with "busy" to one where no one can listen until the
// test ends: freeport NAME [busy]
func freePort(tb testing.TB) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) == 0 {
			ts.Fatalf("usage: freeport name [busy]")
		}
		if len(args) == 2 && args[1] == "busy" {
			ts.Setenv(args[0], rig.DeafPort(tb))
			return
		}
		ts.Setenv(args[0], rig.FreeAddress(tb))
	}
}

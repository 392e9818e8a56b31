package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and revision are set by the linker; see the Makefile.
var version, revision = "dev", "unknown"

var versionCommand = command{
	name: "version", summary: "prints version, revision and build", run: runVersion, flags: versionFlags,
}

func versionFlags() *flagSet {
	return newFlagSet("version", `
Usage:
  reloader version

Prints the version, the revision it was built from, the Go version and the platform.

Example:
  reloader version
`)
}

func runVersion(_ context.Context, args []string, std stdio) int {
	fs := versionFlags()
	if code, ok := fs.parseAlone(args, std); !ok {
		return code
	}
	fmt.Fprintf(std.out, "reloader %s (revision %s, %s, %s/%s)\n", version, revision, goVersion(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}

func goVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.GoVersion
	}
	return runtime.Version()
}

package rig

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// programs are the programs of this repository. Each is built when it is first used, all in one directory, because reloader
// expects promcheck next to itself.
var programs struct {
	sync.Mutex
	dir   string
	built map[string]bool
}

// Main is the TestMain of a package whose tests start this repository's programs: it runs the tests, then removes
// what they built.
func Main(m *testing.M) { os.Exit(run(m)) }

// MainOfWaiting is Main for tests that wait most of the time: this many run at once, unless -parallel is set.
func MainOfWaiting(m *testing.M, parallel int) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(strconv.Itoa(parallel))
	}
	Main(m)
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "reloader-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs.dir, programs.built = dir, map[string]bool{}
	return m.Run()
}

// Program is the path of a program, "reloader" or "promcheck". If RELOADER_PROGRAMS names a directory, the programs
// there are tested instead of new ones.
func Program(tb testing.TB, name string) string {
	tb.Helper()
	if dir := os.Getenv("RELOADER_PROGRAMS"); dir != "" {
		return filepath.Join(dir, name)
	}
	programs.Lock()
	defer programs.Unlock()
	if programs.dir == "" {
		tb.Fatal("the package has no TestMain that calls rig.Main")
	}
	path := filepath.Join(programs.dir, name)
	if programs.built[name] {
		return path
	}
	build := exec.CommandContext(tb.Context(), "go", "build", "-o", path, "reloader/cmd/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("build %s: %v\n%s", name, err, out)
	}
	programs.built[name] = true
	return path
}

// Outcome is the result of a command.
type Outcome struct {
	Code           int
	Stdout, Stderr string
}

// Command runs a reloader command to its end.
func Command(tb testing.TB, args ...string) Outcome {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), Program(tb, "reloader"), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		tb.Fatal(err)
	}
	return Outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// WaitBriefly is `reloader wait --synced` on a reloader that may never be in sync, which takes all of the time that it is given: a
// second, and more only on a machine where reloader does not answer within it.
func WaitBriefly(tb testing.TB, url string) Outcome {
	tb.Helper()
	const noAnswer = 3
	for timeout := time.Second; ; timeout *= 5 {
		o := Command(tb, "wait", "--synced", "--url", url, "--timeout", timeout.String())
		if o.Code != noAnswer || timeout > Patience {
			return o
		}
	}
}

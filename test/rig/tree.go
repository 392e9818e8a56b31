package rig

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"reloader/internal/snapshot"
)

// Must ends the test if there is an error.
func Must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// WriteTree writes files below dir, with TOP in a text replaced by dir.
func WriteTree(tb testing.TB, dir string, files map[string]string) {
	tb.Helper()
	for name, text := range files {
		p := filepath.Join(dir, name)
		Must(tb, os.MkdirAll(filepath.Dir(p), 0o755))
		Must(tb, os.WriteFile(p, []byte(strings.ReplaceAll(text, "TOP", dir)), 0o644))
	}
}

// WriteProgram writes a script that the test will run. A process that another test forks at the same time would inherit
// the open file until its exec, and running the script would fail with "text file busy": no fork happens meanwhile.
func WriteProgram(tb testing.TB, file, text string) {
	tb.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	Must(tb, os.WriteFile(file, []byte(text), 0o755)) //nolint:gosec // it is run
}

// FilesBySource are the names of the files in a set by source. Each file must have contents. In the names of
// sources, top is replaced by TOP.
func FilesBySource(tb testing.TB, set *snapshot.Set, top string) map[string][]string {
	tb.Helper()
	m := map[string][]string{}
	for ref := range set.All() {
		if _, ok := ref.Bytes(); !ok {
			tb.Errorf("%s has no contents", ref.UserPath())
		}
		name := strings.ReplaceAll(ref.Snapshot.Source.Name, top, "TOP")
		m[name] = append(m[name], ref.Name)
	}
	return m
}

// Relative are the paths below top, sorted.
func Relative(paths []string, top string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i], _ = filepath.Rel(top, p)
	}
	slices.Sort(out)
	return out
}

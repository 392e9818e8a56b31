package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"reloader/internal/config"
	"reloader/internal/inputs"
	"reloader/internal/paths"
	"reloader/internal/snapshot"
)

// outputFollowed is an error if the log is a file that a target follows: each line would be a change, each change is a line, and the
// server would be reloaded without end.
func outputFollowed(cfg config.Config, outputs ...any) error {
	for _, o := range outputs {
		log := fileOf(o)
		if log == "" {
			continue
		}
		for _, t := range cfg.Targets {
			t.Ini = config.Mount{} // of its directory, only that file is read
			if slices.ContainsFunc(inputs.NewReader(t).Dirs(), func(dir string) bool { return readIn(dir, log) }) {
				return fmt.Errorf("target %s: reloader's output goes to %s, in a directory that it follows: each line would be a change; redirect it elsewhere", t.Name, log)
			}
		}
	}
	return nil
}

// fileOf is the path of an open regular file; empty for anything else, and where /proc does not tell.
func fileOf(o any) string {
	f, ok := o.(*os.File)
	if !ok {
		return ""
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil || !filepath.IsAbs(name) {
		return ""
	}
	return name
}

// readIn reports whether a reading of the directory would have the file.
func readIn(dir, file string) bool {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil || !paths.Inside(file, dir) {
		return false
	}
	name := strings.TrimPrefix(file, dir)
	if strings.Contains(filepath.Dir(name), "/.") || strings.HasPrefix(filepath.Base(name), "..") {
		return false
	}
	for at := filepath.Dir(file); at != dir; at = filepath.Dir(at) {
		if list, err := os.ReadDir(at); err == nil && snapshot.IsDatabase(list) {
			return false
		}
	}
	return true
}

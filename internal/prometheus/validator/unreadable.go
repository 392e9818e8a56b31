package validator

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// canRead is access(2), which opens nothing: a named pipe does not block it.
var canRead = func(path string) error { return syscall.Access(path, 4) }

// sayUnreadable corrects findings about missing files: a file that reloader may not read is not missing.
func sayUnreadable(findings []finding.Finding, set *snapshot.Set) {
	for i := range findings {
		f := &findings[i]
		rest, ok := strings.CutPrefix(f.Message, "file ")
		if f.Rule != RuleMissingFile || !ok {
			continue
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			continue
		}
		path, err := strconv.Unquote(quoted)
		if err != nil || !errors.Is(canRead(here(path, set)), fs.ErrPermission) {
			continue
		}
		f.Message = "file " + quoted + " cannot be read here (permission denied), so that it was not checked"
		f.Hint = "let reloader's user read it (defaultMode of the volume, or fsGroup of the pod); the server may be able to read it all the same"
	}
}

// here is where this process would see a file of the server.
func here(path string, set *snapshot.Set) string {
	for _, s := range set.Snapshots {
		if rel, err := filepath.Rel(s.Source.ServerPath(""), path); err == nil && filepath.IsLocal(rel) {
			return s.Source.UserPath(filepath.ToSlash(rel))
		}
	}
	return path
}

package validator

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"

	"reloader/internal/finding"
	"reloader/internal/snapshot"
)

// canRead uses access(2), which does not open the file: a named pipe cannot block it.
var canRead = func(path string) error { return syscall.Access(path, 4) }

// sayUnreadable corrects findings about missing files: a file that reloader is not permitted to read is not missing.
func sayUnreadable(findings []finding.Finding, set *snapshot.Set) {
	var byDir map[string]*snapshot.Snapshot
	for i := range findings {
		f := &findings[i]
		rest, ok := strings.CutPrefix(f.Message, "file ")
		if f.Rule != RuleMissingFile || !ok {
			continue
		}
		quoted, _ := strconv.QuotedPrefix(rest)
		name, err := strconv.Unquote(quoted)
		if err != nil {
			continue
		}
		if byDir == nil {
			byDir = sourcesByDir(set)
		}
		if !errors.Is(canRead(localPath(name, byDir)), fs.ErrPermission) {
			continue
		}
		f.Message = "file " + quoted + " was not checked: permission denied"
		f.Hint = "let reloader's user read it (the volume's defaultMode, or the pod's fsGroup); the server may be able to read it"
	}
}

// localPath is the path of a server's file for this process, by the innermost source that contains it.
func localPath(name string, byDir map[string]*snapshot.Snapshot) string {
	for dir := path.Clean(name); ; dir = path.Dir(dir) {
		if s := byDir[dir]; s != nil {
			return s.Source.UserPath(strings.TrimPrefix(strings.TrimPrefix(path.Clean(name), dir), "/"))
		}
		if dir == "/" || dir == "." {
			return name
		}
	}
}

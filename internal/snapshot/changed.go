package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// maxLinks is how many links Linux follows in one path.
const maxLinks = 40

// ChangedAt returns when the file that the path leads to last changed: the newest change time of the file itself and of
// all links in its path. Unlike modification times, no one can set change times.
func ChangedAt(name string) (time.Time, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return time.Time{}, fmt.Errorf("find out when %s changed: %w", name, err)
	}
	var newest int64
	links := 0
	at, rest := "/", strings.Split(abs, "/")
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, part)
		info, err := os.Lstat(next)
		if err != nil {
			return time.Time{}, fmt.Errorf("find out when %s changed: %w", name, err)
		}
		link := info.Mode()&os.ModeSymlink != 0
		if st, ok := info.Sys().(*syscall.Stat_t); ok && (link || len(rest) == 0) {
			newest = max(newest, idOf(st).ctime)
		}
		if !link {
			at = next
			continue
		}
		to, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return time.Time{}, fmt.Errorf("find out when %s changed: follow the link %s", name, next)
		}
		if filepath.IsAbs(to) {
			at = "/"
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return time.Unix(0, newest), nil
}

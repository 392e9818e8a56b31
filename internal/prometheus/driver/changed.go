package driver

import (
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// changedAt is the newest moment at which anything in the directories may have changed, by the
// change times of files, of the ..data links and of the directories; zero when unknown.
func changedAt(dirs []string) time.Time {
	var newest time.Time
	for _, dir := range dirs {
		t, err := newestChange(dir, nil)
		if err != nil {
			return time.Time{}
		}
		newest = later(newest, t)
	}
	return newest
}

// newestChange walks one directory, through links to files and directories. Above are the directories that
// lead to it: a link back to one of them leads to nothing new.
func newestChange(dir string, above []os.FileInfo) (time.Time, error) {
	newest, here, err := changeTime(dir)
	if err != nil {
		return time.Time{}, err
	}
	if slices.ContainsFunc(above, func(up os.FileInfo) bool { return os.SameFile(up, here) }) {
		return time.Time{}, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return time.Time{}, err
	}
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".")
		if e.IsDir() && (hidden || e.Name() == "lost+found") {
			// Hidden directories are the volume's generations; the links that lead there count.
			continue
		}
		name := path.Join(dir, e.Name())
		t, target, err := changeTime(name)
		if err == nil && target.IsDir() && !hidden {
			t, err = newestChange(name, append(slices.Clip(above), here))
		}
		if err != nil {
			return time.Time{}, err
		}
		newest = later(newest, t)
	}
	return newest, nil
}

// changeTime is the later one of an entry's own change time and that of what it links to, which it returns too.
func changeTime(name string) (time.Time, os.FileInfo, error) {
	own, err := os.Lstat(name)
	if err != nil {
		return time.Time{}, nil, err
	}
	target := own
	if own.Mode()&os.ModeSymlink != 0 {
		if target, err = os.Stat(name); err != nil {
			return time.Time{}, nil, err
		}
	}
	t, err := ctime(own)
	if err != nil {
		return time.Time{}, nil, err
	}
	t2, err := ctime(target)
	return later(t, t2), target, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Stat is os.Stat. If the path does not exist because a link in it leads to nothing, the error says so.
func Stat(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	return info, withLink(path, err)
}

// withLink adds to an error about a path that does not exist which link in the path leads to nothing.
func withLink(path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for at := filepath.Clean(path); at != filepath.Dir(at); at = filepath.Dir(at) {
		if to, linkErr := os.Readlink(at); linkErr == nil {
			if _, statErr := os.Stat(at); errors.Is(statErr, fs.ErrNotExist) {
				return fmt.Errorf("%w (%s is a link to %s)", err, at, to)
			}
		}
	}
	return err
}

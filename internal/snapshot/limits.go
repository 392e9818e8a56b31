package snapshot

import (
	"errors"
	"fmt"
)

// Limits bound what Take is willing to read. The zero value means the defaults.
type Limits struct {
	MaxFiles    int   // default 100,000
	MaxFileSize int64 // bytes, default 32 MiB
	MaxTotal    int64 // bytes, default 256 MiB
}

// ErrLimit is wrapped by every error about a source that is larger than its Limits.
var ErrLimit = errors.New("larger than the limit")

// ErrChanging is wrapped by the error of a reading that was given up because the directory
// kept changing.
var ErrChanging = errors.New("keeps changing while being read")

func (l Limits) withDefaults() Limits {
	if l.MaxFiles <= 0 {
		l.MaxFiles = 100_000
	}
	if l.MaxFileSize <= 0 {
		l.MaxFileSize = 32 << 20
	}
	if l.MaxTotal <= 0 {
		l.MaxTotal = 256 << 20
	}
	return l
}

// maxEntries limits the directory entries that are looked at, visible or not. So a walk also ends in a
// directory of millions of hidden names or in a maze of links.
func (l Limits) maxEntries() int { return 2*l.MaxFiles + 1000 }

func (l Limits) checkSize(path string, size int64) error {
	if size > l.MaxFileSize {
		return fmt.Errorf("%s: %d bytes: %w of %d bytes for one file", path, size, ErrLimit, l.MaxFileSize)
	}
	return nil
}

//go:build !linux

package driver

import (
	"errors"
	"os"
	"time"
)

// ctime is not known here: a start then costs one reload.
func ctime(os.FileInfo) (time.Time, error) { return time.Time{}, errors.ErrUnsupported }

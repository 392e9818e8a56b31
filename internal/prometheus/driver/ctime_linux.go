package driver

import (
	"os"
	"syscall"
	"time"
)

// ctime is when the file or its attributes changed last; unlike the modification time nobody can set it.
func ctime(info os.FileInfo) (time.Time, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, os.ErrInvalid
	}
	return time.Unix(st.Ctim.Unix()), nil
}

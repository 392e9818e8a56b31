package promdriver

import (
	"os"
	"syscall"
	"time"
)

// changeTime is the later one of an entry's own change time and that of what it links to.
func changeTime(name string) (time.Time, error) {
	own, err := ctime(os.Lstat(name))
	if err != nil {
		return time.Time{}, err
	}
	target, err := ctime(os.Stat(name))
	if err != nil {
		return time.Time{}, err
	}
	if target.After(own) {
		return target, nil
	}
	return own, nil
}

func ctime(info os.FileInfo, err error) (time.Time, error) {
	if err != nil {
		return time.Time{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, os.ErrInvalid
	}
	return time.Unix(st.Ctim.Unix()), nil
}

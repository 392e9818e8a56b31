//go:build !linux

package snapshot

import "syscall"

func idOf(st *syscall.Stat_t) fileID {
	return fileID{
		dev: uint64(st.Dev), ino: st.Ino, size: st.Size, mode: uint32(st.Mode),
		mtime: st.Mtimespec.Nano(), ctime: st.Ctimespec.Nano(),
	}
}

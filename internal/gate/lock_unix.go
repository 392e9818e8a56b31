//go:build unix

package gate

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes a lock that the kernel releases when this process ends.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// unlockFile releases the lock. Closing the file is not enough: a child process that is just
// being started may still hold a copy of the descriptor.
func unlockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
}

//go:build unix

package gate

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the lock that ends with this process.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// unlockFile gives the lock back. Closing alone would not do while a child process that is just
// being started still holds a copy of the descriptor.
func unlockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
}

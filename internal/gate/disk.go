package gate

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// chunk is the size of one write call, in bytes.
const chunk = 64 << 10

// disk is this package's only access to the file system. It has one method for each system call that
// changes something. All names are relative to the directory and cannot leave it. Tests use the hook before
// to make exactly one call fail, or to stop there as a killed process would.
type disk struct {
	root   *os.Root
	before func(op, name string) error
}

// do makes one call and names the operation and the object in its error.
func (d *disk) do(op, name string, call func() error) error {
	if d.before != nil {
		if err := d.before(op, name); err != nil {
			return fmt.Errorf("%s %q: %w", op, name, err)
		}
	}
	if err := call(); err != nil {
		return fmt.Errorf("%s %q: %w", op, name, cause(err))
	}
	return nil
}

// cause drops the operation and the path that package os adds to an error: do adds its own.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

func (d *disk) mkdir(name string) error {
	return d.do("mkdir", name, func() error { return d.root.Mkdir(name, 0o700) })
}

func (d *disk) chmod(name string, mode fs.FileMode) error {
	return d.do("chmod", name, func() error { return d.root.Chmod(name, mode) })
}

func (d *disk) link(from, to string) error {
	return d.do("link", to, func() error { return d.root.Link(from, to) })
}

func (d *disk) symlink(target, name string) error {
	return d.do("symlink", name, func() error { return d.root.Symlink(target, name) })
}

func (d *disk) rename(from, to string) error {
	return d.do("rename", to, func() error { return d.root.Rename(from, to) })
}

// remove succeeds when the name does not exist.
func (d *disk) remove(name string) error {
	return d.do("remove", name, func() error {
		if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// removeTree removes a file, or a directory with all its contents. It follows no links.
func (d *disk) removeTree(name string) error {
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stat %q: %w", name, cause(err))
	}
	return d.removeAll(name, info.IsDir())
}

func (d *disk) removeAll(name string, isDir bool) error {
	if isDir {
		entries, err := d.list(name)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := d.removeAll(path.Join(name, e.Name()), e.IsDir()); err != nil {
				return err
			}
		}
	}
	return d.remove(name)
}

// write creates a new file with these contents. Only sync makes it durable.
func (d *disk) write(name string, data []byte, mode fs.FileMode) error {
	var f *os.File
	err := d.do("create", name, func() (err error) {
		f, err = d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // the close that counts is below

	for r := bytes.NewReader(data); r.Len() > 0; {
		err := d.do("write", name, func() error {
			_, err := io.CopyN(f, r, min(chunk, int64(r.Len())))
			return err
		})
		if err != nil {
			return err
		}
	}
	// The umask may have removed bits that the server needs.
	if err := d.do("chmod", name, func() error { return f.Chmod(mode) }); err != nil {
		return err
	}
	return d.do("close", name, f.Close)
}

// sync flushes a file or a directory to the disk.
func (d *disk) sync(name string) error {
	return d.do("fsync", name, func() error {
		f, err := d.root.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // only opened to sync
		err = f.Sync()
		// Some file systems cannot sync a directory and report it with these errors.
		if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
			return nil
		}
		return err
	})
}

// list returns a directory's entries sorted by name.
func (d *disk) list(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(d.root.FS(), name)
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", name, cause(err))
	}
	return entries, nil
}

const (
	// maxNote is the largest note that is read, in bytes. Ours have a few hundred.
	maxNote = 64 << 10
	// maxFile is the largest file of a generation that is read, in bytes: twice the largest that a snapshot may have.
	maxFile = 64 << 20
)

// read returns the contents of a file of at most most bytes. Anyone who can write here could make one of any size.
func (d *disk) read(name string, most int64) ([]byte, error) {
	var b bytes.Buffer
	_, err := d.readTo(&b, name, most)
	return b.Bytes(), err
}

// digest reads a file without keeping its contents. The rest of the entry is from before, so that a change meanwhile shows later.
func (d *disk) digest(name string) (entry, error) {
	h := sha256.New()
	info, err := d.readTo(h, name, maxFile)
	if err != nil {
		return entry{}, err
	}
	e := entry{size: info.Size(), mode: info.Mode().Perm(), modTime: info.ModTime()}
	h.Sum(e.digest[:0])
	return e, nil
}

func (d *disk) readTo(w io.Writer, name string, most int64) (fs.FileInfo, error) {
	if d.root == nil { // closed, or the directory is gone and could not be made again
		return nil, fmt.Errorf("read %q: %w", name, fs.ErrClosed)
	}
	// O_NONBLOCK: a fifo in the file's place must not block.
	f, err := d.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, cause(err))
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("not a regular file")
	case info.Size() > most:
		err = fmt.Errorf("more than %d bytes", most)
	default:
		_, err = io.Copy(w, io.LimitReader(f, most))
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, cause(err))
	}
	return info, nil
}

// readlink returns a link's target, and "" for anything that is not a link.
func (d *disk) readlink(name string) string {
	target, err := d.root.Readlink(name)
	if err != nil {
		return ""
	}
	return target
}

// isFull reports whether an error means that the disk or the quota is full.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// lacking reports that an error says nothing about the disk: this process has no descriptor or memory left to look at it.
func lacking(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

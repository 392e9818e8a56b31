package snapshot

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// blob is a file's contents, and the file's identity when they were read. The zero blob means that nothing was read.
type blob struct {
	id     fileID
	bytes  []byte
	digest Digest
}

// reading is a look and what was read after it: one blob for each entry.
type reading struct {
	look  *view
	blobs []blob
}

// held returns the blob that was read earlier from the same file in the same state.
func (r *reading) held(e entry) (blob, bool) {
	if r == nil {
		return blob{}, false
	}
	i, ok := slices.BinarySearchFunc(r.look.entries, e.name, func(e entry, name string) int { return compareNames(e.name, name) })
	if !ok || r.blobs[i].id != e.id || !r.blobs[i].id.isRegular() {
		return blob{}, false
	}
	return r.blobs[i], true
}

// readAll reads the files of a look, except those that were read before. It returns false, without an
// error, if a file was not as the look saw it: the next look will show why. It fills in the identity of entries
// whose file was not looked at before.
func (t *taker) readAll(ctx context.Context, look *view, before *reading) (*reading, bool, error) {
	blobs := make([]blob, len(look.entries))
	errs := make([]error, len(look.entries))
	dirs := openLarge(look)
	defer dirs.close()
	parallel(ctx, len(blobs), func(i int) {
		e := &look.entries[i]
		if had, ok := before.held(*e); ok {
			blobs[i] = had
		} else {
			path := look.path(*e)
			at, name := dirs.find(*e, path)
			blobs[i], errs[i] = t.readFile(at, name, path, e.id)
			e.id = blobs[i].id
		}
	})
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	complete := true
	for i := range blobs {
		if errs[i] != nil && !vanished(errs[i]) {
			return nil, false, errs[i]
		}
		complete = complete && blobs[i].id.isRegular()
		look.newest = max(look.newest, blobs[i].id.ctime)
	}
	return &reading{look, blobs}, complete, nil
}

// parallel calls one for each number below n, until ctx ends. It uses a few goroutines if there is enough
// to do: reading many small files is mostly waiting for system calls.
func parallel(ctx context.Context, n int, one func(i int)) {
	var next atomic.Int64
	work := func() {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			one(i)
		}
	}
	const worthIt = 64
	if n < worthIt {
		work()
		return
	}
	var wg sync.WaitGroup
	for range min(2*runtime.GOMAXPROCS(0), 8) {
		wg.Go(work)
	}
	wg.Wait()
}

// readFile opens name relative to the directory at; path names it in errors. It returns the zero blob if the file was
// looked at before and is not the same now. O_NONBLOCK: it never blocks on a fifo or a device in the file's place.
func (t *taker) readFile(at int, name, path string, want fileID) (blob, error) {
	t.step("open", path)
	fd, err := retry(func() (int, error) {
		return unix.Openat(at, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	})
	if err != nil {
		return blob{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = syscall.Close(fd) }()
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return blob{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	id := idOf(&st)
	if want == (fileID{}) && id.isRegular() {
		if err := t.admit(path, id.size); err != nil {
			return blob{}, err
		}
		want = id
	}
	if id != want {
		return blob{}, nil
	}
	b, err := readFull(fd, want.size)
	if err != nil {
		return blob{}, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	t.step("read", path)
	if int64(len(b)) != want.size {
		return blob{}, nil
	}
	return blob{id: want, bytes: b, digest: DigestBytes(b)}, nil
}

// readFull reads size bytes, or fewer if the file has become shorter.
func readFull(fd int, size int64) ([]byte, error) {
	b := make([]byte, size)
	n := 0
	for n < len(b) {
		m, err := retry(func() (int, error) { return syscall.Read(fd, b[n:]) })
		if err != nil {
			return nil, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return b[:n], nil
}

// retry repeats a call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR { //nolint:errorlint // a bare errno
			return n, err
		}
	}
}

// ReadFile reads one regular file within the limits. It refuses anything else and never blocks on it.
func ReadFile(path string, lim Limits) ([]byte, error) {
	lim = lim.withDefaults()
	id, err := stat(path)
	switch {
	case err != nil:
		return nil, withLink(path, err)
	case id.isDir():
		return nil, &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	case !id.isRegular():
		return nil, fmt.Errorf("read %s: %s", path, ReasonSpecial)
	}
	if err := lim.checkSize(path, id.size); err != nil {
		return nil, err
	}
	b, err := newTaker(Source{}, lim).readFile(unix.AT_FDCWD, path, path, id)
	if err == nil && !b.id.isRegular() {
		err = fmt.Errorf("read %s: %w", path, ErrChanging)
	}
	return b.bytes, err
}

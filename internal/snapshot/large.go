package snapshot

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// many is how many names make it worth opening a directory, to resolve names from there: resolving a path from the root
// is a notable part of the cost of reading a small file. It also limits how many directories are open at once.
const many = 1000

// openDirs are the descriptors of open directories, by their place in a view.
type openDirs map[int]int

// openLarge opens the directories with many files. One that cannot be opened is left out.
func openLarge(look *view) openDirs {
	count := make([]int, len(look.places))
	for _, e := range look.entries {
		count[e.place]++
	}
	dirs := openDirs{}
	for place, n := range count {
		if n < many {
			continue
		}
		if fd, err := openDir(look.places[place].path); err == nil {
			dirs[place] = fd
		}
	}
	return dirs
}

func openDir(path string) (int, error) {
	return retry(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
}

// find returns the descriptor of the directory to start from, and the name to open there.
func (d openDirs) find(e entry, path string) (at int, name string) {
	if fd, ok := d[e.place]; ok {
		return fd, e.base
	}
	return unix.AT_FDCWD, path
}

func (d openDirs) close() {
	for _, fd := range d {
		_ = unix.Close(fd)
	}
}

// readlinks returns the targets of the links in a directory; "" for what is not a link. A link that has gone meanwhile
// also gives "": the next look shows that.
func (s *scanner) readlinks(dir string, list []os.DirEntry) []string {
	targets := make([]string, len(list))
	at := -1
	if len(list) >= many {
		if fd, err := openDir(dir); err == nil {
			at = fd
			defer func() { _ = unix.Close(fd) }()
		}
	}
	parallel(s.ctx, len(list), func(i int) {
		if list[i].Type()&os.ModeSymlink == 0 {
			return
		}
		var buf [256]byte
		if at >= 0 {
			if n, err := unix.Readlinkat(at, list[i].Name(), buf[:]); err == nil && n < len(buf) {
				targets[i] = string(buf[:n])
				return
			}
		}
		targets[i], _ = os.Readlink(filepath.Join(dir, list[i].Name()))
	})
	return targets
}

package confine

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Budget is the memory that a program may have.
type Budget struct {
	// Hard is the most private memory, in bytes: a program that needs more dies alone. Where the container's
	// limit were hit first, the kernel would kill whatever it likes, and with memory.oom.group all of it.
	Hard int64
	// Soft is the heap above which it begins to collect garbage, in bytes.
	Soft int64
	// Container is the container's limit, and InUse what of it is in use and cannot be reclaimed, in bytes;
	// Container is 0 where there is no limit.
	Container, InUse int64
	// tight is set for a second try.
	tight bool
}

const (
	// reserve is left to this process while it waits, to the kernel's own tables, and to the pages of the
	// program's file that are in use all the time: without them everything would be read from the disk again
	// and again, in this process too.
	reserve = 20 << 20
	// codeRoom is what further pages of the program's file take. The kernel can drop them.
	codeRoom = 24 << 20
	// minHard is what the smallest work needs: less is not worth a start.
	minHard = 16 << 20
	// maxSoft bounds the garbage where there is plenty of memory.
	maxSoft = 512 << 20
)

// Room sizes the work of a program by what the container has left now, at most most bytes.
func Room(most int64) Budget { return room("/", most) }

// Tight is the same room for a second try: garbage is collected early, by one thread. That is slower, and
// takes less memory than the collector lets pass when it falls behind on a busy machine.
func (b Budget) Tight() Budget {
	b.Soft, b.tight = b.Hard/2, true
	return b
}

// env is what the Go runtime of the program has to know. For one question garbage is not worth collecting
// until memory is short.
func (b Budget) env() []string {
	limit := "GOMEMLIMIT=" + strconv.FormatInt(b.Soft, 10)
	if b.tight {
		return []string{limit, "GOGC=30", "GOMAXPROCS=1"}
	}
	return []string{limit, "GOGC=off"}
}

// room reads the files of the kernel below root.
func room(root string, most int64) Budget {
	b := Budget{Hard: most}
	for _, g := range groups(root) {
		limit, used, ok := g.memory()
		if !ok {
			continue
		}
		if left := limit - used - reserve; left < b.Hard {
			b.Hard, b.Container, b.InUse = left, limit, used
		}
	}
	// Code pages get room where there is some. Where there is little, they are what has to go.
	b.Soft = min(max(b.Hard-codeRoom, b.Hard*3/4), b.Hard*7/8, maxSoft)
	return b
}

// group is one control group with a memory controller.
type group struct {
	dir     string
	unified bool
}

// groups are the control groups of this process, up to the top. In a container the top is usually its own.
func groups(root string) []group {
	f, err := os.Open(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return nil
	}
	defer f.Close()
	var all []group
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.SplitN(lines.Text(), ":", 3)
		if len(fields) != 3 {
			continue
		}
		var mount string
		switch {
		case fields[0] == "0" && fields[1] == "":
			mount = "sys/fs/cgroup"
		case strings.Contains(","+fields[1]+",", ",memory,"):
			mount = "sys/fs/cgroup/memory"
		default:
			continue
		}
		// The path may be one of the host's that is not visible here: then only the top exists.
		for path := filepath.Join("/", fields[2]); ; path = filepath.Dir(path) {
			all = append(all, group{filepath.Join(root, mount, path), fields[1] == ""})
			if path == "/" {
				break
			}
		}
	}
	return all
}

// unlimited is less than what version 1 shows for no limit.
const unlimited = 1 << 60

// memory is the limit and what cannot be reclaimed of it. Pages of files are not counted as used: the kernel
// drops them when memory is short.
func (g group) memory() (limit, used int64, ok bool) {
	limitFile, usedFile, prefix := "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"
	if g.unified {
		limitFile, usedFile, prefix = "memory.max", "memory.current", ""
	}
	limit, ok = number(filepath.Join(g.dir, limitFile))
	if !ok || limit <= 0 || limit >= unlimited {
		return 0, 0, false
	}
	used, ok = number(filepath.Join(g.dir, usedFile))
	if !ok {
		return 0, 0, false
	}
	if b, err := os.ReadFile(filepath.Join(g.dir, "memory.stat")); err == nil {
		for line := range strings.Lines(string(b)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			n, err := strconv.ParseInt(value, 10, 64)
			if err == nil && (key == prefix+"inactive_file" || key == prefix+"active_file") {
				used -= n
			}
		}
	}
	return limit, max(used, 0), true
}

func number(file string) (int64, bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

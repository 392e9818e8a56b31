package app

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseCode unmaps the pages of this program's own file. Starting and judging a change touch
// most of them, an idle program needs few; those come back by themselves, from the page cache, when
// they are used. Only mappings without a page of their own are touched: nothing can be lost.
func releaseCode() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	for _, r := range cleanMappings(bufio.NewScanner(f), exe) {
		// A failure costs memory and nothing else.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, r[0], r[1]-r[0], unix.MADV_DONTNEED)
	}
}

// cleanMappings finds the address ranges of read-only mappings of the file that hold no
// anonymous page, which a relocated or changed one would be.
func cleanMappings(smaps *bufio.Scanner, file string) [][2]uintptr {
	var found [][2]uintptr
	var current *[2]uintptr
	for smaps.Scan() {
		fields := strings.Fields(smaps.Text())
		if len(fields) == 0 {
			continue
		}
		if !strings.HasSuffix(fields[0], ":") {
			current = readOnlyMapping(fields, file)
			continue
		}
		if current != nil && fields[0] == "Anonymous:" && len(fields) > 1 && fields[1] == "0" {
			found = append(found, *current)
		}
	}
	return found
}

// readOnlyMapping reads the head line of a mapping; nil when it is not one of the file's.
func readOnlyMapping(fields []string, file string) *[2]uintptr {
	if len(fields) != 6 || fields[5] != file || (fields[1] != "r-xp" && fields[1] != "r--p") {
		return nil
	}
	from, to, ok := strings.Cut(fields[0], "-")
	start, err1 := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	if !ok || err1 != nil || err2 != nil || start >= end {
		return nil
	}
	return &[2]uintptr{uintptr(start), uintptr(end)}
}

package app

import (
	"bufio"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Only the program's own read-only pages may go, and only where none was changed.
func TestCleanMappings(t *testing.T) {
	t.Parallel()
	const smaps = `00400000-00a00000 r-xp 00000000 fe:01 1234 /bin/reloader
Size:               6144 kB
Anonymous:             0 kB
00a00000-00f00000 r--p 00600000 fe:01 1234 /bin/reloader
Anonymous:             0 kB
00f00000-00f10000 rw-p 00b00000 fe:01 1234 /bin/reloader
Anonymous:             0 kB
00f10000-00f20000 r--p 00c00000 fe:01 1234 /bin/reloader
Anonymous:             4 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:01 99 /lib/ld.so
Anonymous:             0 kB
7f0000002000-7f0000001000 r-xp 00000000 fe:01 1234 /bin/reloader
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:          4096 kB
`
	got := cleanMappings(bufio.NewScanner(strings.NewReader(smaps)), "/bin/reloader")
	if diff := cmp.Diff([][2]uintptr{{0x400000, 0xa00000}, {0xa00000, 0xf00000}}, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever stands in the table, only ranges go that a line of it gives to this file, read-only.
func FuzzCleanMappings(f *testing.F) {
	f.Add("00400000-00a00000 r-xp 00000000 fe:01 1234 /bin/reloader\nAnonymous: 0 kB\n")
	f.Add("1-2 r--p 0 0 0 /bin/reloader\nAnonymous:\nAnonymous: 4 kB\n")
	f.Add(":\n2-1 r-xp 0 0 0 /bin/reloader\nAnonymous: 0\n")
	line := regexp.MustCompile(`(?m)^\s*([0-9a-fA-F]+)-([0-9a-fA-F]+)\s+r-(?:x|-)p\s.*\s/bin/reloader\s*$`)
	f.Fuzz(func(t *testing.T, smaps string) {
		given := map[[2]uintptr]bool{}
		for _, m := range line.FindAllStringSubmatch(smaps, -1) {
			from, err1 := strconv.ParseUint(m[1], 16, 64)
			to, err2 := strconv.ParseUint(m[2], 16, 64)
			if err1 == nil && err2 == nil {
				given[[2]uintptr{uintptr(from), uintptr(to)}] = true
			}
		}
		for _, r := range cleanMappings(bufio.NewScanner(strings.NewReader(smaps)), "/bin/reloader") {
			if r[0] >= r[1] || !given[r] {
				t.Errorf("%x of %q", r, smaps)
			}
		}
	})
}

// The kernel's own table of this program has something to give back, and the program goes on without it.
func TestReleaseCode(t *testing.T) {
	t.Parallel()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if len(cleanMappings(bufio.NewScanner(f), exe)) == 0 {
		t.Error("nothing can be given back")
	}
	for range 3 {
		releaseCode()
	}
}

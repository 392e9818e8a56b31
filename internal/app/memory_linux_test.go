package app

import (
	"bufio"
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

// The program goes on after its own code was unmapped.
func TestReleaseCode(t *testing.T) {
	t.Parallel()
	for range 3 {
		releaseCode()
	}
	if got := strings.Repeat("x", 3); got != "xxx" {
		t.Error(got)
	}
}

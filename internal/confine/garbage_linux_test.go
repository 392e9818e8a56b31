package confine

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"reloader/test/rig"
)

var held [][]byte

// fill makes 600 MiB of garbage while live MiB stay in use, and returns the peak in MiB and the number of collections.
func fill(live int) (peak int64, collections uint32) {
	Within(1 << 30)
	for range live {
		held = append(held, make([]byte, m))
	}
	last := len(held)
	held = append(held, nil)
	for range 600 {
		held[last] = make([]byte, m)
		held[last][0] = 1
		runtime.Gosched()
	}
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	return figure(b, "\nVmHWM:") / m, s.NumGC
}

func init() {
	more["garbage"] = func() int {
		if peak, _ := fill(0); peak < 16 || peak > 300 {
			return 3
		}
		return 0
	}
	more["garbage and 200 MiB in use"] = func() int {
		if _, collections := fill(200); collections < 1 || collections > 12 {
			return 3
		}
		return 0
	}
}

// A program with much room does not keep all its garbage: 600 MiB of it take less than 300 MiB. A program that has more memory in
// use than the heap size at which collections begin does not collect all the time.
func TestGarbage(t *testing.T) {
	rig.WithoutRaces(t) // the program would need several times the memory
	t.Parallel()
	for _, do := range []string{"garbage", "garbage and 200 MiB in use"} {
		b := Budget{Hard: 1 << 30, Soft: 800 * m}
		out, err := Run(t.Context(), Job{Program: "/proc/self/exe", Args: []string{"-test.run=^$"}, Env: []string{"CONFINE_DO=" + do}, Stdin: strings.NewReader(""), MaxOutput: m, Memory: b})
		if err != nil || out.Code != 0 {
			t.Errorf("%s: exit code %d: %v", do, out.Code, err)
		}
	}
}

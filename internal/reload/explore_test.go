// The race detector would find nothing in a pure function, and takes eight times as long.

//go:build !race

package reload

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"
)

// nothing is a decision of the simulator's script in which nothing happens.
const nothing = 255

// happenings are everything that one place of a script can hold: what happens, and with which files. Before most of them the
// simulator first reads whether anything happens at all, so each is also listed with a yes (0) before it.
func happenings() [][]byte {
	list := [][]byte{
		{0},                            // whatever is tried there fails, is lost, or takes another turn
		{1, 0}, {1, 1}, {1, 2}, {1, 3}, // a change, with a hint: good, good, refused, invalid
		{3, 1}, {3, 2}, // without one
		{4}, {5}, {6}, {7}, {8}, {9}, // restart, another version, up or down, foreign reload, by hand, reloader's restart
		{10, 1},          // someone edits what runs
		{11, 1}, {11, 3}, // the server's mount is stale, or right again
		{12},       // a look
		{13},       // reloader's restart as a version that judges otherwise
		{14}, {15}, // the live server finds a mistake that the files do not show: from now on, or since its restart
	}
	for _, h := range list[1:] {
		list = append(list, append([]byte{0}, h...))
	}
	return list
}

// decisionsUntilRest is how many decisions a run in which nothing happens takes until the machine is at rest.
func decisionsUntilRest(t *testing.T, gated bool) int {
	script := bytes.Repeat([]byte{nothing}, 200)
	w := newSimulator(t, gated, script)
	s, ev := w.begin(refusals{})
	var a action
	for range 1000 {
		if s, a = step(s, ev); a.kind == actWait && s.phase == InSync {
			return len(script) - len(w.script)
		}
		ev = w.do(a, &s)
		ev.at = w.now
	}
	t.Fatal("it does not come to rest")
	return 0
}

// TestExplore plays every history with one or two happenings, at every place of two stretches: the start, and the time after
// the first proof, with and without a gate. The simulator checks its invariants, the same as in FuzzStep.
// RELOADER_EXPLORE is the number of places of a stretch, 3 by default; 9 takes minutes.
func TestExplore(t *testing.T) {
	t.Parallel()
	places := 3
	if deep := os.Getenv("RELOADER_EXPLORE"); deep != "" {
		var err error
		if places, err = strconv.Atoi(deep); err != nil {
			t.Fatal(err)
		}
	}
	all := happenings()
	for _, gated := range []bool{false, true} {
		for name, first := range map[string]int{"start": 0, "in sync": decisionsUntilRest(t, gated)} {
			t.Run(fmt.Sprintf("gated %v, %s", gated, name), func(t *testing.T) {
				t.Parallel()
				histories := 0
				play := func(parts ...[]byte) {
					script := bytes.Repeat([]byte{nothing}, first)
					for _, p := range parts {
						script = append(script, p...)
					}
					w := newSimulator(t, gated, script)
					w.silent = true
					w.check(w.run())
					histories++
				}
				pause := bytes.Repeat([]byte{nothing}, places)
				for before := range places {
					for _, a := range all {
						play(pause[:before], a)
						for between := range places - before {
							for _, b := range all {
								play(pause[:before], a, pause[:between], b)
							}
						}
					}
				}
				t.Logf("%d histories", histories)
			})
		}
	}
}

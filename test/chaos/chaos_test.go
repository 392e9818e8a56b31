package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"reloader/test/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// calmEvery is how many operations there are between two calm phases.
const calmEvery = 12

// scene is a pod to which operations are applied.
type scene interface {
	start()
	// heal ends every fault; calmed waits until the server runs a new good change.
	heal()
	calmed(n int) error
	// watch looks for broken promises until ctx ends, and returns the first one.
	watch(ctx context.Context) string
	// end stops all programs, and says what was wrong with their run.
	end() error
}

// play applies the operations, and returns the first fault.
func play[W scene](tb testing.TB, w W, seed uint64, operations []operation[W]) error {
	w.start()
	defer func() {
		w.heal()
		_ = w.end() // if play gets to its end, that reports the error
	}()
	if err := w.calmed(1); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(tb.Context())
	broken := make(chan string, 1)
	go func() { broken <- w.watch(ctx) }()
	defer cancel()
	random := rand.New(rand.NewPCG(seed, 2))
	var done []string
	for i, op := range operations {
		done = append(done, op.String())
		op.do(w, op.n)
		time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
		if (i+1)%calmEvery == 0 || i == len(operations)-1 {
			if random.IntN(5) == 0 {
				// Faults last for a while: long enough to tell a late answer from a lie.
				time.Sleep(lieLimit + 2*time.Second)
			}
			if err := w.calmed(1000 + i); err != nil {
				return fmt.Errorf("after %s: %w", strings.Join(done, " "), err)
			}
			done = nil
		}
		recoveries.Lock()
		recoveries.operations++
		recoveries.Unlock()
	}
	cancel()
	if b := <-broken; b != "" {
		return fmt.Errorf("%s", b)
	}
	return w.end()
}

// shorten leaves out operations that a sequence does not need to fail, as long as there is time.
func shorten[W scene](tb testing.TB, fresh func() W, seed uint64, operations []operation[W], until time.Time) []operation[W] {
	for size := len(operations) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(operations); {
			if time.Now().After(until) {
				return operations
			}
			fewer := append(append([]operation[W](nil), operations[:from]...), operations[from+size:]...)
			if len(fewer) > 0 && play(tb, fresh(), seed, fewer) != nil {
				operations = fewer
				continue
			}
			from += size
		}
	}
	return operations
}

// number is the value of an environment variable; a mistake in it must not make a long run a short one.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// run plays one seed, and shortens it when it fails.
func run[W scene](t *testing.T, kinds []kind[W], seed uint64, length int, fresh func() W) {
	t.Helper()
	t.Parallel()
	operations := sequence(kinds, seed, length)
	err := play(t, fresh(), seed, operations)
	if err == nil {
		return
	}
	if minutes := number(t, "RELOADER_CHAOS_SHORTEN", 0); minutes > 0 {
		operations = shorten(t, fresh, seed, operations, time.Now().Add(time.Duration(minutes)*time.Minute))
	}
	t.Errorf("seed %d: %v\nthe sequence: %v", seed, err, operations)
}

// Random faults happen to a pod, and the server itself is asked what it runs. A gated server never finds an invalid file, no two
// reloads are in flight, no status is wrong for longer than it takes to look at the server, and once the faults end the server runs
// the newest files without help. RELOADER_CHAOS_SEED, _SEEDS and _LENGTH choose what is played, RELOADER_CHAOS_RECORD names a file
// for the recovery times. `make soak` plays for a long time.
func TestChaos(t *testing.T) {
	first, seeds, length := number(t, "RELOADER_CHAOS_SEED", 1), number(t, "RELOADER_CHAOS_SEEDS", 1), number(t, "RELOADER_CHAOS_LENGTH", 36)
	if file := os.Getenv("RELOADER_CHAOS_RECORD"); file != "" {
		t.Cleanup(func() {
			if err := keep(file); err != nil {
				t.Error(err)
			}
		})
	}
	for seed := first; seed < first+seeds; seed++ {
		for _, gated := range []bool{false, true} {
			t.Run(fmt.Sprintf("prometheus/gated=%t/%d", gated, seed), func(t *testing.T) {
				run(t, kinds, uint64(seed), length, func() *world { return newWorld(t, gated) })
			})
			t.Run(fmt.Sprintf("grafana/gated=%t/%d", gated, seed), func(t *testing.T) {
				run(t, grafanaKinds, uint64(seed), length, func() *grafanaWorld { return newGrafanaWorld(t, gated) })
			})
		}
	}
	if seeds < 1 || length < 1 {
		t.Errorf("%d seeds of %d operations: nothing was played", seeds, length)
	}
	t.Logf("%d operations over %d seeds", 4*seeds*length, seeds)
}

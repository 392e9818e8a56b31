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

// play does the operations, and returns the first thing that is wrong.
func play(tb testing.TB, gated bool, seed uint64, operations []operation) error {
	w := newWorld(tb, gated)
	w.start()
	defer func() {
		w.heal()
		w.reloader.Stop()
		w.server.stop()
	}()
	if err := w.calmed(1); err != nil {
		return err
	}
	o := &oracle{w: w, limit: lieLimit}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.run(ctx) }()
	stop := func() { cancel(); <-done }
	defer stop()
	random := rand.New(rand.NewPCG(seed, 2))
	var did []string
	for i, op := range operations {
		did = append(did, op.String())
		op.do(w, op.n)
		time.Sleep(time.Duration(random.IntN(250)) * time.Millisecond)
		if (i+1)%calmEvery == 0 || i == len(operations)-1 {
			if random.IntN(2) == 0 {
				// What is not healed stays so for a while: long enough to tell a late answer from a lie.
				time.Sleep(lieLimit + 2*time.Second)
			}
			if err := w.calmed(1000 + i); err != nil {
				return fmt.Errorf("after %s: %w", strings.Join(did, " "), err)
			}
			did = nil
		}
	}
	stop()
	if n := w.server.stop(); gated && n > 0 {
		return fmt.Errorf("the server did not start on what the gate held, %d times:\n%s", n, w.server.output.String())
	}
	if o.broken != "" {
		return fmt.Errorf("%s", o.broken)
	}
	return nil
}

// shorten leaves out what a failing sequence does not need, as long as the time allows.
func shorten(tb testing.TB, gated bool, seed uint64, operations []operation, until time.Time) []operation {
	for size := len(operations) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(operations); {
			if time.Now().After(until) {
				return operations
			}
			fewer := append(append([]operation(nil), operations[:from]...), operations[from+size:]...)
			if len(fewer) > 0 && play(tb, gated, seed, fewer) != nil {
				operations = fewer
				continue
			}
			from += size
		}
	}
	return operations
}

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// Random things happen to a pod, and the server itself is asked: no invalid file is ever where a gated server
// reads, no two reloads are in flight, no status lies for longer than a look takes to come, and once the faults
// end the server runs the newest files without help. RELOADER_CHAOS_SEED, _SEEDS and _LENGTH choose what is
// played; `make soak` plays long.
func TestChaos(t *testing.T) {
	first, seeds, length := number("RELOADER_CHAOS_SEED", 1), number("RELOADER_CHAOS_SEEDS", 1), number("RELOADER_CHAOS_LENGTH", 36)
	played := 0
	for seed := first; seed < first+seeds; seed++ {
		for _, mode := range []string{"direct", "gated"} {
			t.Run(fmt.Sprintf("%s/%d", mode, seed), func(t *testing.T) {
				t.Parallel()
				operations := sequence(uint64(seed), length)
				err := play(t, mode == "gated", uint64(seed), operations)
				if err == nil {
					return
				}
				if minutes := number("RELOADER_CHAOS_SHORTEN", 0); minutes > 0 {
					operations = shorten(t, mode == "gated", uint64(seed), operations, time.Now().Add(time.Duration(minutes)*time.Minute))
				}
				t.Errorf("seed %d: %v\nthe sequence: %v", seed, err, operations)
			})
			played += length
		}
	}
	t.Logf("%d operations over %d seeds", played, seeds)
}

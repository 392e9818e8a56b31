package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// recoveries are the times from the end of all faults to the proof of the newest files, by mode and fault.
var recoveries struct {
	sync.Mutex
	times      map[string][]time.Duration
	operations int
}

// recovered notes how long a recovery took. If several faults ended at once, the time counts for each of them.
func recovered(mode string, faults []string, took time.Duration) {
	if len(faults) == 0 {
		faults = []string{"no fault in force"}
	}
	recoveries.Lock()
	defer recoveries.Unlock()
	if recoveries.times == nil {
		recoveries.times = map[string][]time.Duration{}
	}
	for _, f := range faults {
		recoveries.times[mode+" | "+f] = append(recoveries.times[mode+" | "+f], took)
	}
}

// table has a row for each fault: how often it ended, and the median and the longest time to recover.
func table(times map[string][]time.Duration) string {
	var b strings.Builder
	b.WriteString("| mode | fault that ended | n | median | max |\n|---|---|---|---|---|\n")
	var names []string
	for name := range times {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t := slices.Clone(times[name])
		slices.Sort(t)
		fmt.Fprintf(&b, "| %s | %d | %.2f s | %.2f s |\n", name, len(t), t[len(t)/2].Seconds(), t[len(t)-1].Seconds())
	}
	return b.String()
}

// record is what the file RELOADER_CHAOS_RECORD keeps from run to run.
type record struct {
	Operations int                        `json:"operations"`
	Times      map[string][]time.Duration `json:"times"`
}

// keep adds this run to the record in a file, and writes the table of all runs to file.md.
func keep(file string) error {
	recoveries.Lock()
	defer recoveries.Unlock()
	r := record{Times: map[string][]time.Duration{}}
	if b, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(b, &r); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
	}
	r.Operations += recoveries.operations
	for name, times := range recoveries.times {
		r.Times[name] = append(r.Times[name], times...)
	}
	recoveries.times, recoveries.operations = nil, 0
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return err
	}
	return os.WriteFile(file+".md", fmt.Appendf(nil, "%d operations\n\n%s", r.Operations, table(r.Times)), 0o600)
}

package reload

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"
	"unsafe"
)

// settings are the steps by which the clocks are set, one after the other, between any two actions of the machine. They do not add
// up to zero: a clock returns to where it was only after many rounds.
var settings = []time.Duration{
	2 * time.Second, -time.Hour, 30 * 24 * time.Hour, -5 * time.Second, -30 * 24 * time.Hour, time.Hour, time.Second, -3 * time.Second, 6 * time.Second,
}

// clocks are those of reloader and of the server, which may run on two machines.
type clocks struct {
	// now is what reloader reads: the wall clock, which is set all the time, and the monotonic one, which runs on.
	now   time.Time
	start time.Time
	// ahead is how far the server's wall clock is ahead of the time that has passed.
	ahead time.Duration
	// loadedAt is when the server loaded last with success, by its own clock.
	loadedAt time.Time
	turn     int
}

func newClocks(turn int) clocks {
	now := time.Now()
	now = now.Add(-time.Duration(now.Nanosecond())) // whole seconds, so that runs differ in nothing else
	return clocks{now: now, start: now, turn: turn}
}

// set sets both clocks, each by a different amount.
func (c *clocks) set() {
	c.turn++
	c.now = setWall(c.now, settings[c.turn%len(settings)])
	c.ahead += settings[(c.turn*5+2)%len(settings)]
}

func (c *clocks) sleep(d time.Duration) { c.now = c.now.Add(d) }

// server is the time on the server's clock.
func (c *clocks) server() time.Time {
	return time.Unix(1_800_000_000, 0).Add(c.now.Sub(c.start) + c.ahead)
}

// setWall returns the same moment after the wall clock was set by whole seconds. Package time cannot make such a time. It
// keeps the seconds of the wall clock above the 30 bits of the nanoseconds.
func setWall(t time.Time, by time.Duration) time.Time {
	wall := (*uint64)(unsafe.Pointer(&t))
	*wall += uint64(by/time.Second) << 30
	return t
}

// moments are the offsets of the times in a state, by name.
var moments = momentsIn(reflect.TypeFor[state](), "state", 0)

func momentsIn(in reflect.Type, name string, at uintptr) map[string]uintptr {
	found := map[string]uintptr{}
	switch {
	case in == reflect.TypeFor[time.Time]():
		found[name] = at
	case in.Kind() == reflect.Struct:
		for f := range in.Fields() {
			maps.Copy(found, momentsIn(f.Type, name+"."+f.Name, at+f.Offset))
		}
	case in.Kind() == reflect.Array:
		for i := range in.Len() {
			maps.Copy(found, momentsIn(in.Elem(), fmt.Sprint(name, i), at+uintptr(i)*in.Elem().Size()))
		}
	}
	return found
}

// byWall names a time in the state that would move when the wall clock is set; empty when there is none.
func byWall(s *state) string {
	for name, at := range moments {
		// The highest bit says that the time carries a monotonic reading.
		t := (*time.Time)(unsafe.Add(unsafe.Pointer(s), at))
		if *(*uint64)(unsafe.Pointer(t))>>63 == 0 && !t.IsZero() {
			return name
		}
	}
	return ""
}

// All times that a target keeps have a monotonic reading, so setting the wall clock moves none of them.
func TestTimesOfATarget(t *testing.T) {
	t.Parallel()
	if len(moments) < 15 {
		t.Fatalf("%d times are found in a state", len(moments))
	}
	src := &source{text: "a", hints: make(chan struct{}, 1)}
	server := &prom{version: "3.15.0", files: src.get}
	server.start()
	seen := make(chan struct{}, 1)
	target, err := New(Options{Name: "prometheus", Reader: src, Watch: src, Validator: &judge{}, Driver: server, Observer: inSync(seen)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- target.Run(ctx) }()
	<-seen
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if name := byWall(&target.state); name != "" || target.state.observeAt.IsZero() || target.state.settleUntil.IsZero() {
		t.Errorf("%q depends on the wall clock: %+v", name, target.state)
	}
}

// inSync gets a value when a target becomes in sync.
type inSync chan<- struct{}

func (c inSync) Transition(_, to Status) {
	if to.Phase == InSync {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// The simulator's clocks are right: setting the wall clock changes the date, and no interval between two moments.
func TestSetWall(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, by := range settings {
		set := setWall(now, by)
		if got := set.Round(0).Sub(now.Round(0)); got != by {
			t.Errorf("the wall clock was set by %v, want %v", got, by)
		}
		if got := set.Sub(now); got != 0 || set.Before(now) || set.After(now) {
			t.Errorf("set by %v, and %v have passed", by, got)
		}
	}
}

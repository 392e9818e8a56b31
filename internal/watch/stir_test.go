package watch

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"reloader/test/rig"
)

// Stirs is called when the kubelet begins to write a change, before there is anything to read, and when files are
// written in place. Polling does not call it.
func TestStirs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	swap(t, dir, 0, "0")
	s := start(t, Options{Interval: never}).Subscribe([]string{dir})
	var stirs atomic.Int64
	s.Stirs(func() { stirs.Add(1) })
	quiet(s)
	announced := func(what string, change func()) {
		t.Helper()
		before := stirs.Load()
		change()
		rig.Until(t, what, func() bool { return stirs.Load() > before })
	}
	announced("the kubelet makes a directory", func() { put(t, filepath.Join(dir, "..2026_11_22.1", "p.yml"), "1") })
	select {
	case <-s.C():
		t.Error("a hint before there is anything to read")
	default:
	}
	announced("a swap", func() { swap(t, dir, 2, "2") })
	until(t, s, "the swap", holds(filepath.Join(dir, "p.yml"), "2"))
	announced("a file is written in place", func() { put(t, filepath.Join(dir, "mine.yml"), "3") })

	polled := start(t, Options{Interval: 5 * time.Millisecond}).Subscribe([]string{t.TempDir()})
	polled.Stirs(func() { t.Error("announced by a poll") })
	for range 5 {
		<-polled.C()
	}
}

package watch

import (
	"fmt"
	"path/filepath"
	"testing"
)

// What one poll costs here; the subscriber's own look at its files comes on top.
func benchmarkPoll(b *testing.B, dir string) {
	w := start(b, Options{Interval: never})
	w.Subscribe([]string{dir})
	b.ReportAllocs()
	for b.Loop() {
		w.call(w.tick)
	}
}

func BenchmarkPollVolume(b *testing.B) {
	dir := b.TempDir()
	swap(b, dir, 0, "x")
	benchmarkPoll(b, dir)
}

func BenchmarkPoll10000Files(b *testing.B) {
	dir := b.TempDir()
	for i := range 10_000 {
		put(b, filepath.Join(dir, fmt.Sprint(i%100), fmt.Sprint(i)), "x")
	}
	benchmarkPoll(b, dir)
}

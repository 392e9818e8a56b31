package watch

import (
	"fmt"
	"path/filepath"
	"testing"
)

// benchmarkPoll measures one poll of the watcher. The subscriber's own check of its files is not included.
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

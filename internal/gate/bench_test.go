package gate

import (
	"fmt"
	"strings"
	"testing"

	"reloader/internal/snapshot"
)

// BenchmarkPublish publishes trees of several sizes in which 1 or 10 files change. The bytes written grow with
// the change, not with the tree.
func BenchmarkPublish(b *testing.B) {
	for _, files := range []int{10, 100, 1_000, 10_000} {
		for _, changed := range []int{1, 10} {
			b.Run(fmt.Sprintf("files=%d/changed=%d", files, changed), func(b *testing.B) {
				benchmarkPublish(b, b.TempDir(), files, changed)
			})
		}
	}
	b.Run("memory/files=1000/changed=1", func(b *testing.B) { benchmarkPublish(b, fastDir(b), 1_000, 1) })
}

func benchmarkPublish(b *testing.B, dir string, files, changed int) {
	contents := map[string][]byte{}
	body := strings.Repeat("# a rule\n", 200)
	for i := range files {
		contents[fmt.Sprintf("rules/%05d.yml", i)] = fmt.Appendf(nil, "%s%d", body, i)
	}
	g := mustOpen(b, dir, Options{})
	mustPublish(b, g, snapshot.NewSet(snapshot.FromFiles(snapshot.Source{}, contents)))
	round := 0
	next := func() *snapshot.Set {
		round++
		for i := range changed {
			contents[fmt.Sprintf("rules/%05d.yml", (round*changed+i)%files)] = fmt.Appendf(nil, "%s round %d", body, round)
		}
		return snapshot.NewSet(snapshot.FromFiles(snapshot.Source{}, contents))
	}
	for range DefaultKeep { // from here on an old generation's directory is used again
		mustPublish(b, g, next())
	}
	var written int64
	for b.Loop() {
		b.StopTimer()
		set := next()
		b.StartTimer()
		mustPublish(b, g, set)
		gens := generations(g)
		written += gens[len(gens)-1].Written
	}
	b.ReportMetric(float64(written)/float64(b.N), "B-written/op")
}

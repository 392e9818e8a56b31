package references

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"reloader/test/rig"
)

// tree is a reader of a main file with this many rule files in 100 directories.
func tree(b *testing.B, files int) *Reader {
	b.Helper()
	top := b.TempDir()
	rig.WriteTree(b, top, map[string]string{"etc/prometheus.yml": "rule_files: [../rules/*/*.yml]"})
	for i := range files {
		dir := filepath.Join(top, "rules", fmt.Sprint(i%100))
		if i < 100 {
			rig.Must(b, os.MkdirAll(dir, 0o755))
		}
		rig.Must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.yml", i)), []byte("groups: []\n"), 0o644))
	}
	return New(Options{ConfigFile: filepath.Join(top, "etc/prometheus.yml")})
}

// BenchmarkRead10000Files measures a complete reading.
func BenchmarkRead10000Files(b *testing.B) {
	r := tree(b, 10_000)
	for b.Loop() {
		set, err := r.Read(b.Context())
		if err != nil || set.Len() != 10_001 {
			b.Fatal(set, err)
		}
	}
}

// benchmarkIdle measures the check that nothing has changed.
func benchmarkIdle(b *testing.B, files int) {
	r := tree(b, files)
	rig.Until(b, "an untouched tree counts as unchanged", func() bool { _, err := r.Read(b.Context()); rig.Must(b, err); return r.Unchanged(b.Context()) })
	b.ReportAllocs()
	for b.Loop() {
		if !r.Unchanged(b.Context()) {
			b.Fatal("changed")
		}
	}
}

func BenchmarkIdle10000Files(b *testing.B) { benchmarkIdle(b, 10_000) }
func BenchmarkIdle10Files(b *testing.B)    { benchmarkIdle(b, 10) }

// BenchmarkScan1MiB measures the search for references in a large main file.
func BenchmarkScan1MiB(b *testing.B) {
	file := []byte("scrape_configs:\n")
	for i := 0; len(file) < 1<<20; i++ {
		file = fmt.Appendf(file, "- job_name: job%d\n  static_configs:\n  - targets: [host%d:9100]\n", i, i)
	}
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(file); err != nil {
			b.Fatal(err)
		}
	}
}

package snapshot

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// ruleFile is about the size of a small rule file.
var ruleFile = bytes.Repeat([]byte("- alert: Down # 32 bytes of text\n"), 16)

func manyFiles(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	for i := range n {
		p := filepath.Join(dir, fmt.Sprintf("team%02d", i%100), fmt.Sprintf("rules%05d.yml", i))
		if i < 100 {
			must(b, os.MkdirAll(filepath.Dir(p), 0o755))
		}
		must(b, os.WriteFile(p, ruleFile, 0o644))
	}
	return dir
}

func benchmarkTake(b *testing.B, dir string, files int) {
	b.ReportAllocs()
	for b.Loop() {
		s := take(b, dir)
		if len(s.Files) != files {
			b.Fatalf("%d files", len(s.Files))
		}
	}
}

func benchmarkUnchanged(b *testing.B, dir string) {
	s := aged(b, take(b, dir))
	b.ReportAllocs()
	for b.Loop() {
		if !s.Unchanged(b.Context()) {
			b.Fatal("changed")
		}
	}
}

func volumeOf(b *testing.B, n int) string {
	b.Helper()
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("rules%05d.yml", i)] = string(ruleFile)
	}
	return newKubelet(b, b.TempDir(), false, files).dir
}

func BenchmarkTake10000Files(b *testing.B)       { benchmarkTake(b, manyFiles(b, 10_000), 10_000) }
func BenchmarkTake1000Files(b *testing.B)        { benchmarkTake(b, manyFiles(b, 1000), 1000) }
func BenchmarkTakeVolume(b *testing.B)           { benchmarkTake(b, volumeOf(b, 10), 10) }
func BenchmarkTakeVolume10000Files(b *testing.B) { benchmarkTake(b, volumeOf(b, 10_000), 10_000) }
func BenchmarkUnchanged10000Files(b *testing.B)  { benchmarkUnchanged(b, manyFiles(b, 10_000)) }
func BenchmarkUnchangedVolume(b *testing.B)      { benchmarkUnchanged(b, volumeOf(b, 10)) }

func BenchmarkTake1MiBFile(b *testing.B) {
	dir := b.TempDir()
	must(b, os.WriteFile(filepath.Join(dir, "big.yml"), make([]byte, 1<<20), 0o644))
	b.SetBytes(1 << 20)
	benchmarkTake(b, dir, 1)
}

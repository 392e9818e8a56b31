package transform

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"reloader/internal/snapshot"
)

// The total size of all files of a source is bounded: otherwise less than a megabyte of compressed files could become a gigabyte in
// memory and in the gate.
func TestTotal(t *testing.T) {
	t.Parallel()
	const each = 20 << 20
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, each)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for i := range 28 {
		files[fmt.Sprintf("%02d.yml.gz", i)] = z.Bytes()
	}
	out, findings := Apply(snapshot.FromFiles(snapshot.Source{}, files), Options{Gunzip: true})
	var sum int64
	for _, f := range out.Files {
		sum += f.Size
	}
	if sum > DefaultMaxTotal+28*int64(z.Len()) {
		t.Errorf("%d MiB come out", sum>>20)
	}
	if want := 28 - DefaultMaxTotal/each; len(findings) != want || !strings.Contains(findings[0].Message, "together have more than 64 MiB") {
		t.Errorf("%d findings, want %d: %v", len(findings), want, findings[:min(len(findings), 1)])
	}
}

// If a file is small enough itself but the total of its source becomes too large, the finding names the total: the space left for
// the file is not a limit that anyone knows.
func TestTotalByVariables(t *testing.T) {
	t.Parallel()
	big := func(string) (string, bool) { return strings.Repeat("x", 1<<20), true }
	files := map[string][]byte{"a.yml": []byte("$(BIG)"), "b.yml": []byte("$(BIG)"), "c.yml": []byte("$(BIG)$(BIG)")}
	_, findings := Apply(snapshot.FromFiles(snapshot.Source{}, files), Options{Expand: []string{"*"}, Names: []string{"*"}, Lookup: big, MaxSize: 2 << 20, MaxTotal: 3 << 20})
	if len(findings) != 1 || findings[0].File != "c.yml" || findings[0].Message != "with environment variable BIG all files of its source together have more than 3 MiB" {
		t.Errorf("findings: %v", findings)
	}
}

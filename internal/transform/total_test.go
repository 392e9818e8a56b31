package transform

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"reloader/internal/snapshot"
)

// What all files of a source hold together is bounded: less than a megabyte of them would else be a gigabyte in memory,
// and published.
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

package snapshot_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"reloader/internal/snapshot"
)

// A volume is read as one commit: the files of the timestamped directory behind ..data, without the kubelet's own links.
func ExampleTake() {
	dir, err := os.MkdirTemp("", "volume")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	version := filepath.Join(dir, "..2026_11_29_10_00_00.1")
	for _, err := range []error{
		os.Mkdir(version, 0o700),
		os.WriteFile(filepath.Join(version, "prometheus.yml"), []byte("global: {}\n"), 0o600),
		os.Symlink("..2026_11_29_10_00_00.1", filepath.Join(dir, "..data")),
		os.Symlink("..data/prometheus.yml", filepath.Join(dir, "prometheus.yml")),
	} {
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	snap, err := snapshot.Take(context.Background(), snapshot.Source{Name: "config", Dir: dir, ServerDir: "/etc/prometheus"}, snapshot.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range snap.Files {
		fmt.Println(f.Name, "is", snap.Source.ServerPath(f.Name), "of", f.Size, "bytes")
	}
	fmt.Println("read whole:", snap.Atomic)
	fmt.Println("digest:", snap.Digest.Short())
	// Output:
	// prometheus.yml is /etc/prometheus/prometheus.yml of 11 bytes
	// read whole: true
	// digest: 7446afb8b70f
}

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"

	"reloader/internal/grafana"
	"reloader/internal/snapshot"
)

var digestCommand = command{
	name: "digest", summary: "prints the digest of a directory or of files", run: runDigest, flags: digestFlags,
}

func digestFlags() *flagSet {
	return newFlagSet("digest", `
Usage:
  reloader digest DIR | FILE...

Prints the digest of each directory or file, as a running reloader shows it: as "wanted" if a target
follows one directory, else in the line "directories" of reloader status. For Grafana's provisioning
directory, only the directories in it that Grafana reads count. The same files give the same digest on a
laptop, in CI and in the pod.

Example, in CI, to learn later whether exactly these files are live:
  reloader digest ./prometheus
  reloader wait --url http://monitor:9533 --dir ./prometheus --timeout 120s
`)
}

func runDigest(ctx context.Context, args []string, std stdio) int {
	fs := digestFlags()
	if code, ok := fs.parse(args, std); !ok {
		return code
	}
	if fs.NArg() == 0 {
		return usageError(std, "digest", "give a directory or files; see reloader digest --help")
	}
	code := exitOK
	for _, path := range fs.Args() {
		digest, err := digestOf(ctx, path)
		if err != nil {
			code = failed(std, "digest", exitFailed, err)
			continue
		}
		fmt.Fprintf(std.out, "%s  %s\n", digest, path)
	}
	return code
}

// digestOf returns the digest of a directory's visible files, or of one file's bytes.
func digestOf(ctx context.Context, path string) (snapshot.Digest, error) {
	info, err := snapshot.Stat(path)
	if err != nil {
		return snapshot.Digest{}, err
	}
	if info.IsDir() {
		snap, err := snapshot.Take(ctx, snapshot.Source{Dir: path}, snapshot.Limits{})
		if err != nil {
			return snapshot.Digest{}, err
		}
		return grafana.DigestDir(snap), nil
	}
	if !info.Mode().IsRegular() {
		return snapshot.Digest{}, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return snapshot.Digest{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return snapshot.Digest{}, err
	}
	return snapshot.Digest(h.Sum(nil)), nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	gates "reloader/internal/gate"
	"reloader/internal/paths"
	"reloader/internal/snapshot"
)

var publishCommand = command{
	name: "publish", summary: "writes a directory as the kubelet writes a ConfigMap volume", run: runPublish,
	flags: func() *flagSet { return publishFlags(new(publishOptions)) },
}

type publishOptions struct {
	to        string
	fromFiles []string
}

func publishFlags(o *publishOptions) *flagSet {
	fs := newFlagSet("publish", `
Usage:
  reloader publish --to DIR [--from-file [KEY=]PATH]... [DIR]

Replaces the contents of --to with the files, in one step: readers see all of the old files or all of the
new ones. Equal contents change nothing. Prints the digest, as reloader digest does. Use it on a laptop and
in tests, where no kubelet writes the directory.

Example, a change that a running reloader sees as it sees one in a pod:
  reloader publish --to /tmp/mount ./prometheus
  reloader publish --to /tmp/mount --from-file prometheus.yml --from-file alerts.yml=./rules/new.yml
`)
	fs.StringVar(&o.to, "to", "", "directory to write")
	fs.StringArrayVar(&o.fromFiles, "from-file", nil,
		"file to publish under its base name or under KEY; a directory stands for the files in it; repeatable")
	return fs
}

func runPublish(ctx context.Context, args []string, std stdio) int {
	var o publishOptions
	flags := publishFlags(&o)
	if code, ok := flags.parse(args, std); !ok {
		return code
	}
	switch {
	case o.to == "":
		return usageError(std, "publish", "give the directory to write with --to")
	case flags.NArg() > 1:
		return usageError(std, "publish", "unexpected argument %q: one directory can be published; add files with --from-file", flags.Arg(1))
	case flags.NArg() == 0 && len(o.fromFiles) == 0:
		return usageError(std, "publish", "give a directory, or files with --from-file")
	}
	files, err := o.gather(ctx, flags.Arg(0))
	if err != nil {
		return failed(std, "publish", exitFailed, err)
	}
	set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{}, files))
	changed, err := publishTo(ctx, o.to, set)
	if err != nil {
		return failed(std, "publish", exitFailed, err)
	}
	if !changed {
		fmt.Fprintf(std.err, "reloader publish: %s already has exactly these files; nothing was swapped\n", o.to)
	}
	fmt.Fprintln(std.out, set.Digest)
	return exitOK
}

// publishTo keeps only the newest generation, as the kubelet does.
func publishTo(ctx context.Context, dir string, set *snapshot.Set) (changed bool, err error) {
	gate, err := gates.Open(dir, gates.Options{Keep: 1})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()
	changed = gate.Current() != set.Digest
	return changed, gate.Publish(ctx, set)
}

// gather reads everything to publish, by name.
func (o publishOptions) gather(ctx context.Context, dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	if dir != "" {
		if err := apart(dir, o.to); err != nil {
			return nil, err
		}
		snap, err := snapshot.Take(ctx, snapshot.Source{Dir: dir}, snapshot.Limits{})
		if err != nil {
			return nil, err
		}
		for _, f := range snap.Files {
			files[f.Name], _ = snap.Bytes(f.Name)
		}
	}
	for _, arg := range o.fromFiles {
		if err := addFile(files, arg); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no file to publish", dir)
	}
	return files, nil
}

// addFile adds what one --from-file names.
func addFile(files map[string][]byte, arg string) error {
	key, path, named := strings.Cut(arg, "=")
	if !named {
		key, path = filepath.Base(arg), arg
	}
	if key == "" || path == "" {
		return fmt.Errorf("--from-file %s: want PATH or KEY=PATH", arg)
	}
	info, err := snapshot.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return addOne(files, key, path)
	}
	if named {
		return fmt.Errorf("--from-file %s: a directory cannot have a key", arg)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		p := filepath.Join(path, e.Name())
		// As kubectl does: only the files in the directory itself, including links to files.
		if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := addOne(files, e.Name(), p); err != nil {
			return err
		}
	}
	return nil
}

func addOne(files map[string][]byte, key, path string) error {
	if !fs.ValidPath(key) || key == "." {
		return fmt.Errorf("--from-file %s: %q is not a name for a file below a directory", path, key)
	}
	if _, ok := files[key]; ok {
		return fmt.Errorf("--from-file %s: there is another file for %q", path, key)
	}
	data, err := snapshot.ReadFile(path, snapshot.Limits{})
	if err != nil {
		return err
	}
	files[key] = data
	return nil
}

// apart refuses to publish a directory into itself.
func apart(from, to string) error {
	a, b := realPath(from), realPath(to)
	if paths.Inside(b, a) {
		return fmt.Errorf("--to %s is inside %s: the directory would be published into itself", to, from)
	}
	if paths.Inside(a, b) {
		return fmt.Errorf("%s is inside --to %s: publish from another place", from, to)
	}
	return nil
}

// realPath returns the absolute path with links resolved, as far as the path exists.
func realPath(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for dir, rest := abs, ""; ; dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest)
		}
		if dir == filepath.Dir(dir) {
			return abs
		}
	}
}

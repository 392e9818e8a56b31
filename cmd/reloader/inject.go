package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"reloader/internal/check"
	"reloader/internal/check/manifests"
	"reloader/internal/finding"
	"reloader/internal/inject"
	"reloader/internal/manifest"
	"reloader/internal/snapshot"
)

var injectCommand = command{
	name: "inject", summary: "adds the sidecar to a Kubernetes manifest", run: runInject,
	flags: func() *flagSet { fs, _ := injectFlags(); return fs },
}

type injectOptions struct {
	inject.Options
	file        string
	files       []string
	diff, write bool
}

func injectFlags() (*flagSet, *injectOptions) {
	fs := newFlagSet("inject", `
Usage:
  reloader inject -f FILE|- [flags]

Adds reloader to every Deployment, StatefulSet, DaemonSet and Pod in FILE that runs Prometheus or Grafana,
turns subPath mounts of their configuration into directory mounts, and prints the result. It explains every
change on standard error. Everything else in FILE stays byte for byte the same, including comments.
Injecting twice changes nothing.

Examples:
  reloader inject -f monitor.yaml --diff
  reloader inject -f monitor.yaml --write
  helm template monitoring charts/monitoring | reloader inject -f - | kubectl apply -f -
`)
	o := &injectOptions{}
	fs.StringArrayVarP(&o.files, "filename", "f", nil, "manifest `FILE`, or - for standard input")
	fs.BoolVar(&o.diff, "diff", false, "print what would change as a unified diff instead of the result")
	fs.BoolVarP(&o.write, "write", "w", false, "write the result back to FILE instead of printing it")
	fs.StringVar(&o.Image, "image", defaultImage(), "`IMAGE` of the sidecar")
	fs.StringVar(&o.PrometheusContainer, "prometheus-container", "", "`NAME` of Prometheus' container (default: detected from image, arguments and ports)")
	fs.StringVar(&o.GrafanaContainer, "grafana-container", "", "`NAME` of Grafana's container (default: detected from image, name and ports)")
	fs.BoolVar(&o.Gated, "gated", false, "let the servers read copies, which only reloader writes and only from valid files (docs/gated.md)")
	fs.BoolVar(&o.OpenShift, "openshift", false, "give the sidecar no fixed user, which OpenShift refuses (default: detected from API groups, annotations and labels)")
	fs.BoolVar(&o.FastPropagation, "fast-propagation", false, "make the kubelet update the mounts at once; adds a Role (docs/fast-propagation.md)")
	fs.BoolVar(&o.Events, "events", false, "report as Kubernetes Events of the pod; adds a Role")
	return fs, o
}

// defaultImage has this program's own version, because a manifest should not use a moving tag.
func defaultImage() string {
	if version == "dev" {
		return "reloader:latest"
	}
	return "reloader:" + version
}

func runInject(ctx context.Context, args []string, std stdio) int {
	fs, o := injectFlags()
	if code, ok := fs.parse(args, std); !ok {
		return code
	}
	if len(o.files) > 0 {
		o.file = o.files[0]
	}
	switch {
	case len(o.files) > 1:
		return usageError(std, "inject", "one manifest at a time: run it for %s and for %s", o.files[0], o.files[1])
	case o.file == "" && fs.NArg() == 1:
		return usageError(std, "inject", "unexpected argument %q; name the manifest with -f %s", fs.Arg(0), fs.Arg(0))
	case fs.NArg() > 0:
		return usageError(std, "inject", "unexpected argument %q", fs.Arg(0))
	case o.file == "":
		return usageError(std, "inject", "give the manifest with -f FILE, or -f - for standard input")
	case o.write && o.diff:
		return usageError(std, "inject", "give either --diff or --write")
	case strings.TrimSpace(o.Image) == "":
		return usageError(std, "inject", "--image: want an image, such as registry.example.com/reloader:1.2.3")
	case o.write && o.file == "-":
		return usageError(std, "inject", "--write needs a file, not standard input")
	}
	// Nothing here checks ctx: let a signal end the program, even while it waits for a pipe.
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	src, err := readManifest(o.file, std.in)
	if err != nil {
		return failed(std, "inject", exitFailed, err)
	}
	res, err := inject.Inject(src, o.Options)
	if err != nil {
		return injectFailed(std, manifestName(o.file), err)
	}
	explain(std.err, manifestName(o.file), src, res)
	if res.Added && !fs.Changed("image") {
		fmt.Fprintf(std.err, "%s: the image %s is in no registry: build it, push it to a registry of\n"+
			"  your cluster, and name it with --image (docs/install.md)\n", finding.OneLine(manifestName(o.file)), o.Image)
	}
	if err := deliver(o, src, res.Output, std.out); err != nil {
		return failed(std, "inject", exitFailed, err)
	}
	stillWrong(ctx, manifestName(o.file), res.Output, std.err)
	return exitOK
}

// stillWrong prints what check finds in the result. It is for information only and does not affect the exit code:
// inject has done its part.
func stillWrong(ctx context.Context, name string, out []byte, w io.Writer) {
	in := &manifest.Input{}
	in.Add(name, out)
	var list []finding.Finding
	for _, f := range check.Manifest(ctx, check.Options{}, in).Findings {
		// The missing object may be in another manifest.
		if f.Severity != finding.Info && f.Rule != manifests.RuleNoObject {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "%s: still wrong in the result (reloader check, docs/checks-manifests.md):\n", finding.OneLine(name))
	for _, f := range finding.Bound(list) {
		fmt.Fprintf(w, "  %s\n", f)
		f.Hint, _, _ = strings.Cut(f.Hint, "; reloader inject") // it just did what it can
		if f.Hint != "" {
			fmt.Fprintf(w, "    hint: %s\n", finding.OneLine(f.Hint))
		}
	}
}

func readManifest(file string, in io.Reader) ([]byte, error) {
	if file != "-" {
		return snapshot.ReadFile(file, snapshot.Limits{MaxFileSize: inject.MaxSize})
	}
	b, err := io.ReadAll(io.LimitReader(in, inject.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", manifestName(file), err)
	}
	return b, nil
}

func manifestName(file string) string {
	if file == "-" {
		return "<stdin>"
	}
	return file
}

// injectFailed prints the position first, where editors expect it.
func injectFailed(std stdio, name string, err error) int {
	var e *inject.Error
	if !errors.As(err, &e) {
		return failed(std, "inject", exitFailed, err)
	}
	place := name
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d", name, e.Line)
	}
	unplaced := *e
	unplaced.Line = 0
	fmt.Fprintf(std.err, "%s: error: %s\n", place, unplaced.Error())
	if e.Hint != "" {
		fmt.Fprintf(std.err, "hint: %s\n", e.Hint)
	}
	fmt.Fprintln(std.err, "reloader inject: nothing was written")
	return exitFailed
}

// deliver prints the result or the difference, or writes the file back.
func deliver(o *injectOptions, src, out []byte, w io.Writer) error {
	switch {
	case o.diff:
		_, err := w.Write(inject.Diff(manifestName(o.file), src, manifestName(o.file)+" (injected)", out))
		return err
	case !o.write:
		_, err := w.Write(out)
		return err
	case bytes.Equal(src, out):
		return nil
	}
	return replaceFile(o.file, out)
}

// replaceFile replaces a file atomically. It keeps the mode and, if this user may, the owner.
func replaceFile(name string, b []byte) error {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(real)
	if err != nil {
		return err
	}
	// A signal that comes while the new file is written ends the program afterwards.
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, os.Interrupt, syscall.SIGTERM)
	defer func() {
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		select {
		case s := <-ends:
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				_ = self.Signal(s)
			}
		default:
		}
	}()
	tmp, err := os.CreateTemp(filepath.Dir(real), ".inject-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		if e := tmp.Chown(int(owner.Uid), int(owner.Gid)); !errors.Is(e, os.ErrPermission) {
			err = errors.Join(err, e)
		}
	}
	err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), real)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(tmp.Name()))
	}
	return err
}

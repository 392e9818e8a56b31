package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/pflag"
)

const help = `
Usage:
  demo [flags]

Starts a real Prometheus and reloader on a temporary directory that is written as the kubelet
writes a ConfigMap volume, makes good and bad changes, and shows what happens, with measured times.
Everything it made is removed at the end, even after Ctrl-C. A Grafana is shown, too, if one is on
PATH or named. "make demo" builds what it needs and starts it.

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	var o Options
	fs := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.Usage = func() { fmt.Print(help[1:] + fs.FlagUsagesWrapped(110)) }
	fs.StringVar(&o.Self, "reloader", "", "the reloader `FILE` to show (default: the one next to this program)")
	fs.StringVar(&o.PrometheusBinary, "prometheus-binary", "", "the Prometheus `FILE` to show (default: the one on PATH)")
	fs.StringVar(&o.GrafanaBinary, "grafana-binary", "", "the Grafana `FILE` to show (default: the one on PATH, if any)")
	fs.StringVar(&o.GrafanaHome, "grafana-home", "", "Grafana's home `DIR`, with conf/defaults.ini")
	fs.BoolVar(&o.Keep, "keep", false, "leave everything running and print how to publish changes by hand")
	switch err := fs.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil || fs.NArg() > 0:
		fmt.Fprintln(os.Stderr, "demo: unknown flag or argument; see demo --help")
		return 2
	}
	if o.Self == "" {
		self, err := os.Executable()
		if err != nil {
			fmt.Fprintf(os.Stderr, "demo: %s\n", err)
			return 1
		}
		o.Self = filepath.Join(filepath.Dir(self), "reloader")
	}
	info, err := os.Stdout.Stat()
	o.Color = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
	err = Run(ctx, os.Stdout, o)
	if err == nil {
		return 0
	}
	if !errors.Is(err, context.Canceled) || ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "demo: %s\n", err)
	}
	return 1
}

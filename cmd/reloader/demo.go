package main

import (
	"context"
	"errors"
	"os"

	"reloader/internal/demo"
)

var demoCommand = command{
	name:    "demo",
	summary: "shows the main job on this machine, with a real Prometheus",
	run:     runDemo,
	flags:   func() *flagSet { fs, _ := demoFlags(); return fs },
}

const demoHelp = `
Usage:
  reloader demo [flags]

Starts a real Prometheus and reloader on a temporary directory that is written as the kubelet
writes a ConfigMap volume, makes good and bad changes, and shows what happens with measured times.
Everything it made is removed at the end, also after Ctrl-C.

Without --prometheus-binary it takes the Prometheus that was built before, the one on PATH, or
builds one from its module when Go is installed. A Grafana is shown too when one is on PATH or named.

Example:
  reloader demo --keep
`

func demoFlags() (*flagSet, *demo.Options) {
	fs, o := newFlagSet("demo", demoHelp), &demo.Options{}
	fs.StringVar(&o.PrometheusBinary, "prometheus-binary", "", "the Prometheus `FILE` to show")
	fs.StringVar(&o.GrafanaBinary, "grafana-binary", "", "the Grafana `FILE` to show (default: the one on PATH, if any)")
	fs.StringVar(&o.GrafanaHome, "grafana-home", "", "Grafana's home `DIR`, with conf/defaults.ini")
	fs.BoolVar(&o.Keep, "keep", false, "leave everything running and print how to publish changes by hand")
	return fs, o
}

func runDemo(ctx context.Context, args []string, std stdio) int {
	fs, o := demoFlags()
	if code, ok := fs.parse(args, std); !ok {
		return code
	}
	if fs.NArg() > 0 {
		return usageError(std, "demo", "unexpected argument %q", fs.Arg(0))
	}
	self, err := os.Executable()
	if err != nil {
		return failed(std, "demo", exitFailed, err)
	}
	o.Self = self
	if f, ok := std.out.(*os.File); ok {
		info, err := f.Stat()
		o.Color = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
	}
	err = demo.Run(ctx, std.out, *o)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitFailed // Ctrl-C: the user knows
	}
	return failed(std, "demo", exitFailed, err)
}

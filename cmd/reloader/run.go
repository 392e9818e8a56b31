package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"reloader/internal/app"
	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/status"
)

var daemonCommand = command{
	name: "run", summary: "keeps the servers on the newest valid files, until it is stopped", run: runRun,
	flags: func() *flagSet { fs, _, _ := runFlags(); return fs },
}

func runFlags() (*flagSet, *config.Flags, *string) {
	fs := newFlagSet("run", `
Usage:
  reloader run [flags]

Follows the mounted files of Prometheus, Grafana and other servers. It judges each change as the server
would, reloads the server if the change is valid, and asks the server to prove that it runs the new files.
It never sends a change with errors; metrics, log and status name file, line and reason.

A target exists if its URL is given. --config names a file with any number of further targets. For
everything under General, flags win over the file.

SIGHUP and POST /-/reload make it look at the files now. SIGTERM stops it; a second one stops it at once.

Examples:
  reloader run --prometheus-url http://127.0.0.1:9090 --prometheus-config /etc/prometheus/prometheus.yml
  reloader run --config /etc/reloader/reloader.yml --log-format json
`)
	return fs, config.Register(fs.FlagSet), terminationFlag(fs)
}

func runRun(ctx context.Context, args []string, std stdio) int {
	fs, flags, termination := runFlags()
	if code, ok := fs.parseAlone(args, std); !ok {
		return code
	}
	daemon, err := app.New(ctx, app.Options{
		Load: func(file []byte) (config.Config, error) {
			cfg, err := flags.Config(file)
			if err == nil {
				err = outputFollowed(cfg, std.out, std.err)
			}
			cfg.Self = std.self
			return cfg, err
		},
		File: flags.File(), Stderr: std.err, HangUp: std.hangUp,
		Build: status.Build{Version: version, Revision: revision, GoVersion: goVersion()},
	})
	switch {
	case errors.Is(err, app.ErrConfig): // one line for each mistake
		return usageError(std, "run", "%s", err)
	case err != nil:
		return failed(std, "run", exitFailed, err)
	}
	if err := daemon.Run(ctx); err != nil {
		return failed(std, "run", exitFailed, err)
	}
	return heldBack(std, daemon.HeldBack(), *termination)
}

// heldBack prints why servers could not start: their gates never got a first generation, so the startup probe
// failed and the kubelet is stopping the sidecar.
func heldBack(std stdio, targets []reload.Status, termination string) int {
	if len(targets) == 0 {
		return exitOK
	}
	var v verdict
	for _, t := range targets {
		var err error
		if !finding.HasErrors(t.Findings) {
			err = fmt.Errorf("target %s: %s", t.Target, cmp.Or(t.Reason, "nothing could be published"))
		}
		v.add(t.Target, t.Wanted.String(), t.Findings, err)
	}
	var report strings.Builder
	fmt.Fprintln(&report, "the files cannot be used and the gate is still empty, so the server cannot start")
	// Writing to a Builder never fails.
	_ = v.write("run", stdio{out: &report, err: &report}, "text")
	fmt.Fprint(std.err, report.String())
	explainTermination(termination, report.String())
	return exitFailed
}

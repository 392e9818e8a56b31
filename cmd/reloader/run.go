package main

import (
	"context"
	"errors"

	"reloader/internal/app"
	"reloader/internal/config"
	"reloader/internal/status"
)

var daemonCommand = command{
	name: "run", summary: "keeps the servers on the newest valid files, until it is stopped", run: runRun,
	flags: func() *flagSet { fs, _ := runFlags(); return fs },
}

func runFlags() (*flagSet, *config.Flags) {
	fs := newFlagSet("run", `
Usage:
  reloader run [flags]

Follows the mounted files of Prometheus, Grafana and other servers. A change is judged as the server
would judge it, reloaded when it is valid, and proven by asking the server. A broken change never
reaches the server; metrics, log and status name file, line and reason.

A target exists when its URL is given. --config names a file with any number of further targets.
Flags win over the file for everything under General.
SIGHUP and POST /-/reload make it look at the files now. SIGTERM ends it; a second one ends it at once.

Examples:
  reloader run --prometheus-url http://127.0.0.1:9090 --prometheus-config /etc/prometheus/prometheus.yml
  reloader run --config /etc/reloader/reloader.yml --log-format json
`)
	return fs, config.Register(fs.FlagSet)
}

func runRun(ctx context.Context, args []string, std stdio) int {
	fs, flags := runFlags()
	if code, ok := fs.parse(args, std); !ok {
		return code
	}
	if fs.NArg() > 0 {
		return usageError(std, "run", "unexpected argument %q", fs.Arg(0))
	}
	daemon, err := app.New(ctx, app.Options{
		Load: flags.Config, File: flags.File(), Stderr: std.err,
		Build: status.Build{Version: version, Revision: revision, GoVersion: goVersion()},
	})
	if err != nil {
		return startFailed(std, "run", err)
	}
	if err := daemon.Run(ctx); err != nil {
		return failed(std, "run", exitFailed, err)
	}
	return exitOK
}

// startFailed prints one line for each mistake in the configuration, or the one error of the surroundings.
func startFailed(std stdio, cmd string, err error) int {
	if !errors.Is(err, app.ErrConfig) {
		return failed(std, cmd, exitFailed, err)
	}
	return usageError(std, cmd, "%s", err)
}

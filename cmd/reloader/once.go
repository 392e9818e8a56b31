package main

import (
	"context"
	"strings"

	"reloader/internal/app"
	"reloader/internal/check"
	"reloader/internal/config"
)

var onceCommand = command{
	name: "once", summary: "one pass: judge the files and fill the gates, as an init container", run: runOnce,
	flags: func() *flagSet { fs, _ := onceFlags(); return fs },
}

// onceOptions are the flags of once.
type onceOptions struct {
	flags       *config.Flags
	termination *string
}

func onceFlags() (*flagSet, onceOptions) {
	fs := newFlagSet("once", `
Usage:
  reloader once [flags]

Judges the files of every target once and, if the target has a gate, publishes them into it, so that the
server can start. It takes the flags of "reloader run" and asks no server. As an init container it keeps a
pod from starting with broken files; its findings become the termination message.

Exits 0 if every target may start: its files are valid (the last line begins with "ok"), or its gate still
has the last good ones ("kept"). Exits 1 for errors, 2 for a wrong command line, 3 if there is no verdict.

Example:
  reloader once --prometheus-url http://127.0.0.1:9090 --prometheus-config /etc/prometheus/prometheus.yml --prometheus-gate /gate
`)
	return fs, onceOptions{flags: config.Register(fs.FlagSet), termination: terminationFlag(fs)}
}

func runOnce(ctx context.Context, args []string, std stdio) int {
	fs, o := onceFlags()
	if code, ok := fs.parseAlone(args, std); !ok {
		return code
	}
	cfg, err := loadOnce(ctx, o.flags)
	if err != nil {
		return usageError(std, "once", "%s", err)
	}
	cfg.Self = std.self
	var all, blocked verdict
	for _, p := range check.Once(ctx, cfg) {
		all.addOnce(p)
		if p.Kept.IsZero() {
			blocked.addOnce(p)
		} else {
			all.kept = append(all.kept, p.Name+": the newest files are not used; the gate keeps the last good ones, digest "+p.Kept.String())
		}
	}
	all.last = string(blocked.word())
	if len(all.kept) > 0 && blocked.code() == exitOK {
		all.last = "kept"
	}
	if err := all.write("once", std, "text"); err != nil {
		return failed(std, "once", exitFailed, err)
	}
	if blocked.code() != exitOK {
		var report strings.Builder
		_ = blocked.write("once", stdio{out: &report, err: &report}, "text") // it writes to memory
		explainTermination(*o.termination, report.String())
	}
	return blocked.code()
}

// addOnce adds the result of a pass over one target.
func (v *verdict) addOnce(p check.OnceResult) {
	v.add(p.Name, p.Digest.String(), p.Findings, p.Err)
	v.ignored += p.Ignored
}

func loadOnce(ctx context.Context, flags *config.Flags) (config.Config, error) {
	var data []byte
	if path := flags.File(); path != "" {
		var err error
		if data, err = app.ReadOwnFile(ctx, path); err != nil {
			return config.Config{}, err
		}
	}
	return flags.Config(data)
}

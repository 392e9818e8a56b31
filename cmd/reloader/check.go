package main

import (
	"context"
	"maps"
	"slices"

	"reloader/internal/check"
	"reloader/internal/config"
	"reloader/internal/finding"
)

var checkCommand = command{
	name: "check", summary: "judges files as the server would, without one", run: runCheck,
	flags: func() *flagSet { fs, _ := checkFlags(); return fs },
}

type checkOptions struct {
	flags      *config.Flags
	format     string
	strict     bool
	prometheus finding.Facts
}

func checkFlags() (*flagSet, *checkOptions) {
	fs := newFlagSet("check", `
Usage:
  reloader check [flags] [PATH...]

Judges files exactly as "reloader run" would before a reload: every problem of every file at once, each
with file, line, column, a reason and, where one is known, a hint. PATH is a file or a directory; names
and contents tell what it is: prometheus.yml, rule files, grafana.ini, a provisioning directory or single
files of it, dashboards, a Kubernetes manifest (for subPath mounts, which never change in a running pod).
Exits 0 without errors, 1 with errors, 2 for a wrong command line, 3 when there is no verdict.

Examples:
  reloader check ./prometheus ./grafana/provisioning ./grafana.ini
  reloader check --prometheus-config prometheus.yml --format github --strict
`)
	o := &checkOptions{}
	fs.StringVar(&o.format, "format", "text", "text, json, or github for annotations in pull requests")
	fs.BoolVar(&o.strict, "strict", false, "warnings fail too")
	o.flags = config.RegisterOffline(fs.FlagSet)
	fs.StringVar(&o.prometheus.Version, "prometheus-version", "", "judge as this `VERSION` of Prometheus (default: that of promcheck)")
	fs.BoolVar(&o.prometheus.Agent, "prometheus-agent", false, "judge as a Prometheus in agent mode")
	fs.StringArrayVar(&o.prometheus.Features, "prometheus-feature", nil, "judge as a Prometheus with this `FEATURE` enabled; repeatable")
	for _, name := range []string{"prometheus-version", "prometheus-agent", "prometheus-feature"} {
		// It fails only for a flag that does not exist.
		_ = fs.SetAnnotation(name, config.GroupAnnotation, []string{"Prometheus"})
	}
	return fs, o
}

func runCheck(ctx context.Context, args []string, std stdio) int {
	fs, o := checkFlags()
	if code, ok := fs.parse(args, std); !ok {
		return code
	}
	if !slices.Contains(formats, o.format) {
		return usageError(std, "check", "--format: want text, json or github")
	}
	cfg, err := o.flags.Config(nil)
	if err != nil {
		return usageError(std, "check", "%s", err)
	}
	if len(cfg.Targets) == 0 && fs.NArg() == 0 {
		return usageError(std, "check", "nothing to check: give a path, --prometheus-config, --grafana-provisioning or --grafana-ini")
	}
	prometheus, grafana := o.flags.Template(config.Prometheus), o.flags.Template(config.Grafana)
	v := verdict{strict: o.strict}
	for _, c := range check.Run(ctx, check.Options{
		Config: cfg, Validator: prometheus.Validator, Allow: prometheus.Allow, Prometheus: o.prometheus,
		Grafana: finding.Facts{Version: grafana.Version, SameEnv: grafana.SameEnv},
	}, fs.Args()) {
		v.add(c.Name, c.Digest.String(), c.Findings, c.Err)
		for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
			v.add(c.Name+" ("+name+")", c.Sources[name].String(), nil, nil)
		}
	}
	if err := v.write("check", std, o.format); err != nil {
		return failed(std, "check", exitFailed, err)
	}
	return v.code()
}

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"reloader/internal/check"
	"reloader/internal/config"
	"reloader/internal/finding"
)

var checkCommand = command{
	name: "check", summary: "judges files as the server would, without one", run: runCheck,
	flags: func() *flagSet { fs, _ := checkFlags(); return fs },
}

type checkOptions struct {
	flags       *config.Flags
	format      string
	strict      bool
	skipUnknown bool
	ownFile     string
	prometheus  finding.Facts
}

func checkFlags() (*flagSet, *checkOptions) {
	fs := newFlagSet("check", `
Usage:
  reloader check [flags] [PATH...]

Judges files exactly as "reloader run" does before a reload. It shows every problem of every file at once,
with file, line, column, reason and, where one is known, a hint.

PATH is a file or a directory; of a directory the files directly in it are judged, and the files that they
name. reloader tells from names and contents what each is: prometheus.yml, rule files, grafana.ini, a
provisioning directory or files from one, dashboards, reloader's own file, or Kubernetes manifests
(docs/checks-manifests.md). All manifests are put together and judged as the containers will see
them; - reads one from standard input. Without PATH and targets, check looks in the current directory for
the usual names: monitor.yaml, prometheus.yml, grafana.ini, provisioning, and so on.

Exits 0 without errors, 1 with errors, 2 for a wrong command line, 3 if there is no verdict.

Examples:
  reloader check ./prometheus ./grafana/provisioning ./grafana.ini
  reloader check --prometheus-config prometheus.yml --format github --strict
  helm template monitoring charts/monitoring | reloader check -
`)
	o := &checkOptions{}
	fs.StringVar(&o.format, "format", "text", "text, json, github for annotations in pull requests, or sarif for code scanning")
	fs.BoolVar(&o.strict, "strict", false, "warnings fail too")
	fs.BoolVar(&o.skipUnknown, "skip-unknown", false, "skip files that are not for Prometheus or Grafana, instead of exit code 3")
	o.flags = config.RegisterOffline(fs.FlagSet)
	fs.StringVar(&o.ownFile, "config", "", "judge this `FILE` too, as reloader's own configuration; the files of its targets are not checked")
	fs.StringVar(&o.prometheus.Version, "prometheus-version", "", "judge as this `VERSION` of Prometheus (default: that of promcheck)")
	fs.BoolVar(&o.prometheus.Agent, "prometheus-agent", false, "judge as a Prometheus in agent mode")
	fs.StringArrayVar(&o.prometheus.Features, "prometheus-feature", nil, "judge as a Prometheus with this `FEATURE` enabled; repeatable")
	for _, name := range []string{"prometheus-version", "prometheus-agent", "prometheus-feature"} {
		// It fails only for a flag that does not exist.
		_ = fs.SetAnnotation(name, config.GroupAnnotation, []string{"Prometheus"})
	}
	_ = fs.SetAnnotation("config", config.GroupAnnotation, []string{"General"})
	return fs, o
}

func runCheck(ctx context.Context, args []string, std stdio) int {
	fs, o := checkFlags()
	if code, ok := fs.parse(args, std); !ok {
		return code
	}
	if !slices.Contains(formats, o.format) {
		return usageError(std, "check", "--format: want text, json, github or sarif")
	}
	cfg, err := o.flags.Config(nil)
	if err != nil {
		return usageError(std, "check", "%s", err)
	}
	if err := config.CheckVersion(o.prometheus.Version); err != nil {
		return usageError(std, "check", "--prometheus-version: %s", err)
	}
	o.prometheus.Features = config.Features(o.prometheus.Features)
	cfg.Self = std.self
	paths := fs.Args()
	if len(cfg.Targets) == 0 && len(paths) == 0 && o.ownFile == "" {
		if paths = check.Usual("."); len(paths) == 0 {
			return usageError(std, "check", "nothing to check: there is no monitor.yaml, prometheus.yml or other file with a usual name here; "+
				"give a path, --prometheus-config, --grafana-provisioning or --grafana-ini")
		}
		fmt.Fprintf(std.err, "reloader check: no path given: checking %s\n", strings.Join(paths, ", "))
	}
	if left := check.LeftOut(paths); len(left) > 0 {
		const most = 8
		if n := len(left) - most; n > 0 {
			left = append(left[:most], fmt.Sprintf("and %d more", n))
		}
		fmt.Fprintf(std.err, "reloader check: of a directory only the files directly in it are checked; to check these too, name them: %s\n", finding.OneLine(strings.Join(left, ", ")))
	}
	prometheus, grafana := o.flags.Template(config.Prometheus), o.flags.Template(config.Grafana)
	v := verdict{strict: o.strict}
	for _, c := range check.Run(ctx, check.Options{
		Config: cfg, Validator: prometheus.Validator, Allow: prometheus.Allow, Ignore: prometheus.Ignore, Prometheus: o.prometheus,
		Grafana: finding.Facts{Version: grafana.Version, SameEnv: grafana.SameEnv},
		Stdin:   untilDone(ctx, std.in), SkipUnknown: o.skipUnknown, OwnFile: o.ownFile,
	}, paths) {
		v.add(c.Name, c.Digest.String(), c.Findings, c.Err)
		v.ignored += c.Ignored
		for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
			v.add(c.Name+" ("+name+")", c.Sources[name].String(), nil, nil)
		}
		v.judged = append(v.judged, c.Judged...)
	}
	if err := v.write("check", std, o.format); err != nil {
		return failed(std, "check", exitFailed, err)
	}
	return v.code()
}

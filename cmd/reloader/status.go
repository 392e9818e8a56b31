package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"reloader/internal/finding"
	"reloader/internal/httpclient"
	"reloader/internal/status"
)

var statusCommand = command{
	name: "status", summary: "shows what a running reloader does", run: runStatus, flags: func() *flagSet { fs, _ := statusFlags(); return fs },
}

type statusOptions struct {
	client      httpclient.Options
	url, format string
	watch       bool
}

func statusFlags() (*flagSet, *statusOptions) {
	fs := newFlagSet("status", `
Usage:
  reloader status [--url URL] [--format text|json] [--watch]

Shows where each target of a running reloader stands: phase, digests, findings, reason.
Exits 0 if every target runs its newest files, 1 if one does not, 3 if reloader cannot be reached.

Example:
  kubectl port-forward deploy/monitor 9533 & reloader status
`)
	o := &statusOptions{}
	fs.StringVar(&o.url, "url", "http://127.0.0.1:9533", "base `URL` of the running reloader")
	registerClient(fs, &o.client)
	fs.StringVar(&o.format, "format", "text", "text or json")
	fs.BoolVarP(&o.watch, "watch", "w", false, "stay and show each change; on a terminal the view is redrawn in place")
	return fs, o
}

func runStatus(ctx context.Context, args []string, std stdio) int {
	fs, o := statusFlags()
	if code, ok := fs.parseAlone(args, std); !ok {
		return code
	}
	if o.format != "text" && o.format != "json" {
		return usageError(std, "status", "--format: want text or json")
	}
	r, err := newRemote(o.url, o.client)
	if err != nil {
		return usageError(std, "status", "%s", err)
	}
	if o.watch {
		if o.format != "text" {
			return usageError(std, "status", "--watch shows text only")
		}
		return watchStatus(ctx, r, std)
	}
	report, err := r.report(ctx)
	if err != nil {
		return failed(std, "status", exitUnjudged, err)
	}
	code := statusCode(report)
	if o.format == "json" {
		if err := writeJSON(std.out, report); err != nil {
			return failed(std, "status", exitFailed, err)
		}
		return code
	}
	printReport(std.out, report, time.Now())
	return code
}

// statusCode returns exitOK if every target runs its newest files.
func statusCode(report status.Report) int {
	for _, s := range report.Targets {
		if !live(s) {
			return exitFailed
		}
	}
	return exitOK
}

// printReport writes a whole status as text.
func printReport(w io.Writer, report status.Report, now time.Time) {
	if report.NotReady != "" {
		fmt.Fprintf(w, "not ready: %s\n", finding.OneLine(report.NotReady))
	}
	if f := report.ConfigFile; f != nil && f.Error != "" {
		fmt.Fprintf(w, "%s is not in use: %s\n", finding.AtStart(f.Path), finding.OneLine(f.Error))
	}
	printFindings(w, "", report.Notes)
	for _, s := range report.Targets {
		printStatus(w, s, now)
	}
}

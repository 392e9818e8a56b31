package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/history"
	"reloader/internal/httpclient"
)

var historyCommand = command{
	name: "history", summary: "shows the last changes and their outcome", run: runHistory,
	flags: func() *flagSet { fs, _ := historyFlags(); return fs },
}

type historyOptions struct {
	client      httpclient.Options
	url, format string
	last        int
}

func historyFlags() (*flagSet, *historyOptions) {
	fs := newFlagSet("history", `
Usage:
  reloader history [--url URL] [--last N] [--format text|json]

Shows the last changes of each target of a running reloader, newest first: when reloader noticed each, what
it changed, whether it was refused and why, and how long it took until the server ran it. The history of a
gated target survives a restart of reloader.
Exits 0, or 3 if reloader cannot be reached.

Example:
  kubectl port-forward deploy/monitor 9533 & reloader history --last 10
`)
	o := &historyOptions{}
	fs.StringVar(&o.url, "url", "http://127.0.0.1:9533", "base `URL` of the running reloader")
	registerClient(fs, &o.client)
	fs.IntVarP(&o.last, "last", "n", 20, "how many entries of each target to show, 0 for all")
	fs.StringVar(&o.format, "format", "text", "text or json")
	return fs, o
}

func runHistory(ctx context.Context, args []string, std stdio) int {
	fs, o := historyFlags()
	if code, ok := fs.parseAlone(args, std); !ok {
		return code
	}
	switch {
	case o.format != "text" && o.format != "json":
		return usageError(std, "history", "--format: want text or json")
	case o.last < 0:
		return usageError(std, "history", "--last: want 0 or more")
	}
	r, err := newRemote(o.url, o.client)
	if err != nil {
		return usageError(std, "history", "%s", err)
	}
	report, err := ask[history.Report](ctx, r, "history", nil)
	if err != nil {
		return failed(std, "history", exitUnjudged, err)
	}
	for i := range report.Targets {
		t := &report.Targets[i]
		if o.last > 0 && len(t.Entries) > o.last {
			t.Entries = t.Entries[:o.last]
		}
	}
	if o.format == "json" {
		if err := writeJSON(std.out, report); err != nil {
			return failed(std, "history", exitFailed, err)
		}
		return exitOK
	}
	for _, t := range report.Targets {
		printHistory(std.out, t)
	}
	return exitOK
}

func printHistory(w io.Writer, t history.Target) {
	fmt.Fprintf(w, "%s:\n", finding.AtStart(t.Target))
	if len(t.Entries) == 0 {
		fmt.Fprintln(w, "  nothing has changed since reloader started")
	}
	for _, e := range t.Entries {
		what := strings.Join(e.Changes, ", ")
		reason := e.Reason
		switch {
		case what != "":
		case e.Outcome == history.Restarted:
			what, reason = e.Reason, ""
		default:
			what = "files " + e.Digest.Short()
		}
		if e.Outcome == history.Live {
			what += fmt.Sprintf(" (live after %s)", e.Took.Round(time.Millisecond))
		}
		fmt.Fprintf(w, "  %s  %-11s  %s\n", e.Seen.Local().Format("2006-01-02 15:04:05"), finding.OneLine(string(e.Outcome)), finding.OneLine(what))
		line := func(label, text string) {
			if text != "" {
				fmt.Fprintf(w, "      %s\n", finding.AtStart(label+text))
			}
		}
		for _, f := range e.Findings {
			line("", f)
		}
		if n := e.Errors + e.Warnings - len(e.Findings); n > 0 && len(e.Findings) > 0 {
			least := ""
			if e.AtLeast {
				least = "at least "
			}
			line("", fmt.Sprintf("and %s%d more", least, n))
		}
		if e.Failures > 0 {
			line("", fmt.Sprintf("failed attempts: %d", e.Failures))
		}
		line("", reason)
		line("the server answered: ", e.Answer)
		if e.Writer != nil {
			line("", fmt.Sprintf("%s was written by %s at %s, live %s later", e.Writer.Object, e.Writer.Manager,
				e.Writer.Time.Local().Format("15:04:05"), e.FromWrite.Round(time.Millisecond)))
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/status"
)

// askEvery is how often wait asks.
const askEvery = 250 * time.Millisecond

var waitCommand = command{
	name: "wait", summary: "waits until the server was proven to run given files", run: runWait, flags: func() *flagSet { fs, _ := waitFlags(); return fs },
}

type waitOptions struct {
	connection
	url, digest, dir, target string
	synced                   bool
	timeout                  time.Duration
}

func waitFlags() (*flagSet, *waitOptions) {
	fs := newFlagSet("wait", `
Usage:
  reloader wait [--url URL] (--digest D | --dir DIR | --synced) [--target NAME] [--timeout 120s]

Waits until a running reloader has proof that its server runs the files: those of a digest, those of a
directory here, or whatever is newest there. Exits 0 only then; 1 when the time is over or exactly these
files were rejected; 3 when reloader could not be asked at all.

Example, after kubectl apply, in a pipeline:
  reloader wait --url http://monitor:9533 --dir ./prometheus --timeout 120s
`)
	o := &waitOptions{}
	fs.StringVar(&o.url, "url", "http://127.0.0.1:9533", "base `URL` of the running reloader")
	o.register(fs)
	fs.StringVar(&o.digest, "digest", "", "wait for this `DIGEST` (64 hexadecimal digits, or the first 12 or more)")
	fs.StringVar(&o.dir, "dir", "", "wait for the files of this `DIR`")
	fs.BoolVar(&o.synced, "synced", false, "wait until every target runs its newest files")
	fs.StringVar(&o.target, "target", "", "look only at the target of this `NAME`")
	fs.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long to wait")
	return fs, o
}

func runWait(ctx context.Context, args []string, std stdio) int {
	fs, o := waitFlags()
	if code, ok := fs.parse(args, std); !ok {
		return code
	}
	given := 0
	for _, set := range []bool{o.digest != "", o.dir != "", o.synced} {
		if set {
			given++
		}
	}
	switch {
	case fs.NArg() > 0:
		return usageError(std, "wait", "unexpected argument %q", fs.Arg(0))
	case given != 1:
		return usageError(std, "wait", "give one of --digest, --dir and --synced")
	case o.digest != "" && (len(o.digest) < 12 || len(o.digest) > 64 || strings.Trim(strings.ToLower(o.digest), "0123456789abcdef") != ""):
		return usageError(std, "wait", "--digest: want 12 to 64 hexadecimal digits")
	}
	r, err := newRemote(o.url, o.connection)
	if err != nil {
		return usageError(std, "wait", "%s", err)
	}
	if o.dir != "" {
		digest, err := digestOf(ctx, o.dir)
		if err != nil {
			return failed(std, "wait", exitFailed, err)
		}
		o.digest = digest.String()
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	return o.wait(ctx, r, std)
}

// wait asks until the answer is final or ctx ends.
func (o *waitOptions) wait(ctx context.Context, r *remote, std stdio) int {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	var last status.Report
	asked, lastErr := false, errors.New("no answer in time")
	for {
		report, err := r.report(ctx)
		switch {
		case err == nil:
			last, asked = report, true
			if known := o.unknownTarget(report); known != nil {
				return usageError(std, "wait", "--target %q: reloader follows %s", o.target, strings.Join(known, ", "))
			}
			if name, ok := o.proven(report); ok {
				fmt.Fprintf(std.out, "live: %s\n", finding.OneLine(name))
				return exitOK
			}
			if s, ok := o.rejected(report); ok {
				fmt.Fprintf(std.err, "reloader wait: exactly these files were rejected\n")
				printStatus(std.err, s, time.Now())
				return exitFailed
			}
		case ctx.Err() == nil:
			lastErr = err
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		if !asked {
			return failed(std, "wait", exitUnjudged, lastErr)
		}
		fmt.Fprintf(std.err, "reloader wait: not live in time\n")
		for _, s := range last.Targets {
			printStatus(std.err, s, time.Now())
		}
		return exitFailed
	}
}

// proven says whether the awaited files are live, and where.
func (o *waitOptions) proven(report status.Report) (string, bool) {
	var names []string
	for _, s := range report.Targets {
		if o.target != "" && s.Target != o.target {
			continue
		}
		if o.synced && !live(s) {
			return "", false
		}
		if o.synced || o.matches(s.Running) || live(s) && o.matchesSource(s) {
			names = append(names, s.Target+" runs "+s.Running.Short())
		}
	}
	return strings.Join(names, ", "), len(names) > 0
}

// rejected finds a target that judged the awaited files and does not want them.
func (o *waitOptions) rejected(report status.Report) (reload.Status, bool) {
	for _, s := range report.Targets {
		if o.target != "" && s.Target != o.target || o.synced {
			continue
		}
		if (s.Phase == reload.Rejected || s.Phase == reload.RolledBack) && (o.matches(s.Wanted) || o.matchesSource(s)) {
			return s, true
		}
	}
	return reload.Status{}, false
}

// unknownTarget returns the names that there are when --target names none of them.
func (o *waitOptions) unknownTarget(report status.Report) []string {
	known := []string{}
	for _, s := range report.Targets {
		known = append(known, s.Target)
	}
	if o.target == "" || slices.Contains(known, o.target) {
		return nil
	}
	return known
}

func (o *waitOptions) matches(d snapshot.Digest) bool {
	return !d.IsZero() && strings.HasPrefix(d.String(), strings.ToLower(o.digest))
}

// matchesSource says whether one source of the newest reading has the awaited digest.
func (o *waitOptions) matchesSource(s reload.Status) bool {
	for _, d := range s.Sources {
		if o.matches(d) {
			return true
		}
	}
	return false
}

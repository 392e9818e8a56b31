package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/status"
)

const (
	// askEvery is how often wait asks; resolveEvery is how often it resolves the names again.
	askEvery     = 250 * time.Millisecond
	resolveEvery = 5 * time.Second
	// finalAfter is how long a refusal or mismatch must last to be final, because reloader tries once more.
	finalAfter = 3 * time.Second
)

// waiting asks one or more reloaders until all have the files live, or one has failed.
type waiting struct {
	*waitOptions
	given []*remote // as the user named them
	pods  map[string]*pod
}

// pod is what is known about one reloader.
type pod struct {
	*remote
	last  status.Report
	asked bool // it answered at least once
	err   error
	live  string // what runs there; empty: not live yet
	seen  bool   // the awaited files were seen there
	// failing is when a target began to show a failure that may still heal.
	failing map[string]time.Time
}

func newWaiting(o *waitOptions, given []*remote) *waiting {
	return &waiting{waitOptions: o, given: given, pods: map[string]*pod{}}
}

// run asks until the answer is final or ctx ends.
func (w *waiting) run(ctx context.Context, std stdio) int {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	var resolved time.Time
	for {
		if time.Since(resolved) >= resolveEvery {
			w.resolve(ctx)
			resolved = time.Now()
		}
		w.each(func(p *pod) { w.ask(ctx, p) })
		for _, p := range w.sorted() {
			if known := w.unknownTarget(p.last); p.asked && known != nil {
				return usageError(std, "wait", "--target %q: reloader follows %s", w.target, strings.Join(known, ", "))
			}
			if s, why := w.failed(p, time.Now()); why != "" {
				fmt.Fprintf(std.err, "reloader wait: %s%s\n", p.at(), why)
				printStatus(std.err, s, time.Now())
				return exitFailed
			}
		}
		if w.allLive() {
			for _, p := range w.sorted() {
				fmt.Fprintf(std.out, "live: %s%s\n", p.at(), finding.OneLine(p.live))
			}
			return exitOK
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
			return w.timedOut(std)
		}
	}
}

// resolve finds the reloaders that the URLs stand for now, and keeps what is known about each.
func (w *waiting) resolve(ctx context.Context) {
	now := map[string]*pod{}
	for _, given := range w.given {
		for _, r := range given.all(ctx) {
			key := r.base + " " + r.name
			if now[key] = w.pods[key]; now[key] == nil {
				if r.name == "" && len(w.given) > 1 {
					r.name = r.base
				}
				now[key] = &pod{remote: r, err: errors.New("no answer in time"), failing: map[string]time.Time{}}
			}
		}
	}
	w.pods = now
}

// each calls f for all pods at once, and waits for the slowest.
func (w *waiting) each(f func(*pod)) {
	var all sync.WaitGroup
	for _, p := range w.pods {
		all.Go(func() { f(p) })
	}
	all.Wait()
}

// ask updates what is known about one pod. Before anything counts as live, its server is asked.
func (w *waiting) ask(ctx context.Context, p *pod) {
	p.live = ""
	report, err := p.report(ctx)
	if err == nil && w.proven(report) != "" {
		report, err = p.fresh(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			p.err = err
		}
		return
	}
	p.last, p.asked, p.err = report, true, nil
	p.live = w.proven(report)
	p.seen = p.seen || slices.ContainsFunc(report.Targets, w.concerns)
}

func (w *waiting) allLive() bool {
	for _, p := range w.pods {
		if p.live == "" {
			return false
		}
	}
	return len(w.pods) > 0
}

func (w *waiting) sorted() []*pod {
	return slices.SortedFunc(maps.Values(w.pods), func(a, b *pod) int { return strings.Compare(a.name+a.base, b.name+b.base) })
}

// at names the pod if there are several.
func (p *pod) at() string {
	if p.name == "" {
		return ""
	}
	return finding.OneLine(p.name) + ": "
}

// proven lists the targets on which the awaited files are live; empty if they are not.
func (w *waiting) proven(report status.Report) string {
	var names []string
	for _, s := range report.Targets {
		if w.target != "" && s.Target != w.target {
			continue
		}
		if w.synced && !live(s) {
			return ""
		}
		if w.synced || w.matches(s.Running) && len(s.Differences) == 0 || live(s) && w.matchesSource(s) {
			names = append(names, s.Target+" runs "+s.Running.Short())
		}
	}
	return strings.Join(names, ", ")
}

// failed returns a target for which the awaited files failed, and how; "" if there is none.
func (w *waiting) failed(p *pod, now time.Time) (reload.Status, string) {
	for _, s := range p.last.Targets {
		if w.target != "" && s.Target != w.target || w.synced || !w.newest(s) {
			continue
		}
		why := ""
		switch {
		case s.Phase == reload.Rejected || s.Phase == reload.RolledBack:
			return s, "exactly these files were rejected"
		case s.Phase == reload.Mismatch:
			why = "the server accepted these files but runs something else"
		case s.Phase == reload.Retrying && s.Failure != nil && (s.Failure.Class == reload.ClassRefused || s.Failure.Class == reload.ClassPartial):
			why = "the server refused exactly these files"
		}
		if why == "" {
			if s.Phase != reload.Checking && s.Phase != reload.Reloading && s.Phase != reload.Confirming { // between two tries
				delete(p.failing, s.Target)
			}
			continue
		}
		if p.failing[s.Target].IsZero() {
			p.failing[s.Target] = now
		}
		if now.Sub(p.failing[s.Target]) >= finalAfter {
			return s, why
		}
	}
	return reload.Status{}, ""
}

// timedOut prints the state of each pod, and why it is not live.
func (w *waiting) timedOut(std stdio) int {
	code := exitUnjudged
	for _, p := range w.sorted() {
		switch {
		case p.live != "":
			code = exitFailed
			fmt.Fprintf(std.err, "reloader wait: %slive: %s\n", p.at(), finding.OneLine(p.live))
			continue
		case !p.asked:
			fmt.Fprintf(std.err, "reloader wait: %s%s\n", p.at(), finding.OneLine(p.err.Error()))
			continue
		}
		code = exitFailed
		if w.synced || p.seen {
			fmt.Fprintf(std.err, "reloader wait: %stimed out: the files are not live yet\n", p.at())
		} else {
			fmt.Fprintf(std.err, "reloader wait: %sreloader has never seen these files: either they have not arrived (the kubelet takes up to a minute and a half), or it follows other directories:\n", p.at())
			printSources(std.err, p.last)
		}
		for _, s := range p.last.Targets {
			printStatus(std.err, s, time.Now())
		}
	}
	return code
}

// printSources names what each target follows, with the digests to compare.
func printSources(w io.Writer, report status.Report) {
	for _, s := range report.Targets {
		for _, name := range slices.Sorted(maps.Keys(s.Sources)) {
			fmt.Fprintf(w, "  %s: %s has digest %s\n", finding.OneLine(s.Target), finding.OneLine(name), s.Sources[name].Short())
		}
	}
}

// unknownTarget returns the existing names if --target is none of them.
func (w *waiting) unknownTarget(report status.Report) []string {
	known := []string{}
	for _, s := range report.Targets {
		known = append(known, s.Target)
	}
	if w.target == "" || slices.Contains(known, w.target) {
		return nil
	}
	return known
}

// concerns reports whether the target has seen the awaited files.
func (w *waiting) concerns(s reload.Status) bool {
	return (w.target == "" || s.Target == w.target) && (w.newest(s) || w.matches(s.Running))
}

// newest reports whether the awaited files are the newest ones of the target.
func (w *waiting) newest(s reload.Status) bool { return w.matches(s.Wanted) || w.matchesSource(s) }

// matchesSource reports whether one source of the newest reading has the awaited digest.
func (w *waiting) matchesSource(s reload.Status) bool {
	for _, d := range s.Sources {
		if w.matches(d) {
			return true
		}
	}
	return false
}

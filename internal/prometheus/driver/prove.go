package driver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
	"reloader/internal/reload"
)

// maxLooks is how often a comparison is tried when the server loads in the middle of it.
const maxLooks = 3

// prove compares what the server shows with what the files mean. After our own reload, everything that can be compared must be the
// same. Without one, nothing may be left uncompared.
func (d *Driver) prove(ctx context.Context, p plan, pr reload.Proof, now runtime) (reload.Verdict, *reload.Failure) {
	if v, f := d.oneServer(ctx, now); f != nil || v.Reason != "" {
		return v, f
	}
	for range maxLooks {
		l, f := d.look(ctx, p, pr, now)
		if f != nil {
			return reload.Verdict{}, f
		}
		again, f := d.getRuntime(ctx)
		switch {
		case f != nil:
			return reload.Verdict{}, f
		case !again.ReloadConfigSuccess:
			return reload.Verdict{Reason: "the server's last load failed (reloadConfigSuccess is false)"}, nil
		case again.epoch() == now.epoch() && again.load() == now.load():
			return d.judge(p, pr, l, again), nil
		}
		now = again
	}
	return reload.Verdict{Reason: "the server keeps reloading its files, so nothing can be compared"}, nil
}

// look is one comparison.
type look struct {
	// compared names what was compared; notCompared names what was not, and why.
	compared, notCompared []string
	differences           []string
	evidence              evidence
}

func (l *look) leaveOut(what, why string) { l.notCompared = append(l.notCompared, what+": "+why) }

// unread notes expressions that cannot be compared.
func (l *look) unread(e *proof.Expected) {
	if n := e.Unreadable(); n > 0 {
		l.leaveOut("expressions", proof.Counted(n, "rule")+" in a grammar that Prometheus "+e.Library+", which reloader compares with, cannot read")
	}
}

// look asks the server for everything that it shows, and compares it.
func (d *Driver) look(ctx context.Context, p plan, pr reload.Proof, now runtime) (look, *reload.Failure) {
	var l look
	if p.expected == nil {
		l.leaveOut("contents", "the validator did not report how Prometheus shows these files")
		return l, nil
	}
	if f := d.lookAtConfig(ctx, p, &l); f != nil {
		return l, f
	}
	if f := d.lookAtPools(ctx, p, pr, now, &l); f != nil {
		return l, f
	}
	if f := d.lookAtFileJobs(ctx, p, pr, now, &l); f != nil {
		return l, f
	}
	if f := d.lookAtRules(ctx, p, pr, now, &l); f != nil {
		return l, f
	}
	d.lookAtPath(&l, p)
	return l, nil
}

// same reports whether the server has not loaded since these very files were proven.
func same(pr reload.Proof, now runtime) bool {
	then, ok := pr.Then.Data.(runtime)
	return ok && pr.Unchanged && then.epoch() == now.epoch() && then.load() == now.load()
}

// judge turns a comparison into the verdict.
func (d *Driver) judge(p plan, pr reload.Proof, l look, now runtime) reload.Verdict {
	v := reload.Verdict{NotCompared: l.notCompared, After: d.observation(now)}
	if len(l.differences) > 0 {
		v.Mismatch, v.Differences, v.Cause = true, bounded(l.differences), d.cause(p, l)
		v.Reason = "the server runs something other than the files: " + summary(l.differences)
		return v
	}
	if !pr.Reloaded && !same(pr, now) {
		if len(l.notCompared) > 0 {
			v.Reason = "the server does not show everything that it runs (" + summary(l.notCompared) + "); reloading to make sure"
			return v
		}
		if e := p.expected; len(e.Hidden) > 0 {
			v.Reason = "the server does not show " + strings.Join(e.Hidden, ", ") + "; reloading to make sure"
			return v
		}
	}
	v.Proven, v.By = true, by(l)
	d.memory.proven(p, l, now)
	if what, hint := l.evidence.invisible(); what != "" {
		v.NotCompared = append(v.NotCompared, what+" ("+hint+")")
		v.Findings = append(v.Findings, finding.Finding{
			File: d.o.UserFile, Severity: finding.Warning, Rule: validator.RuleInvisible, Message: what, Hint: hint,
		})
	}
	if e := p.expected; e != nil && len(e.Hidden) > 0 {
		v.By += "; " + strings.Join(e.Hidden, ", ") + " by the reload after the last change"
		if slices.Contains(e.Hidden, proof.QueryOffset) {
			v.NotCompared = append(slices.Clip(v.NotCompared), proof.QueryOffset+": /api/v1/rules does not show it, and neither does any other page of Prometheus")
		}
	}
	return v
}

// by says what a proof is based on.
func by(l look) string {
	if len(l.compared) == 0 {
		return "time of the last load only: " + summary(l.notCompared)
	}
	last := len(l.compared) - 1
	if last == 0 {
		return l.compared[0]
	}
	return strings.Join(l.compared[:last], ", ") + " and " + l.compared[last]
}

const (
	maxDifferences = 20
	maxSummary     = 3
)

// bounded shortens a list for people.
func bounded(list []string) []string {
	if len(list) <= maxDifferences {
		return list
	}
	return append(list[:maxDifferences:maxDifferences], fmt.Sprintf("and %d more", len(list)-maxDifferences))
}

func summary(list []string) string {
	if len(list) <= maxSummary {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(list[:maxSummary], "; "), len(list)-maxSummary)
}

// The number of requests for the server's start, each over a new connection. A few reveal servers that take turns; more are needed
// where chance picks the server.
const (
	someSamples = 2
	// slowAnswer is how long an answer may take before a server on this machine is asked only once: for each answer
	// Prometheus gathers all its metrics, which takes a second with 10,000 rule groups.
	slowAnswer  = 200 * time.Millisecond
	manySamples = 12
	suspicious  = 10 * time.Minute
	// clockSlack is how much the clocks of two servers may differ when their times are compared.
	clockSlack = 5 * time.Second
)

// oneServer asks for the server's start several times, over new connections: behind a Service or a load balancer
// there may be several servers, and a reload reaches only one of them.
func (d *Driver) oneServer(ctx context.Context, first runtime) (reload.Verdict, *reload.Failure) {
	samples := someSamples
	if !d.memory.severalAt.IsZero() && time.Since(d.memory.severalAt) < suspicious || !d.c.Loopback() {
		samples = manySamples
	} else if d.took > slowAnswer {
		samples = 1
	}
	before := first
	for range samples {
		d.c.Close()
		now, f := d.getRuntime(ctx)
		switch {
		case f != nil:
			return reload.Verdict{}, f
		case now.epoch() == before.epoch():
			continue
		// A server that started long before the other one answered cannot be its restart.
		case now.epoch() == first.epoch() || now.StartTime.Add(clockSlack).Before(before.ServerTime):
			d.memory.severalAt = time.Now()
			return reload.Verdict{
				Mismatch: true, After: d.observation(now),
				Reason:      "the answers come from different Prometheus servers, and a reload reaches only one of them",
				Differences: []string{"servers at " + d.c.URL("") + " started at " + stamp(before.StartTime) + " and at " + stamp(now.StartTime)},
				Cause:       "the URL leads to several servers (replicas behind a Service or a load balancer): give each Prometheus its own reloader, as a sidecar with http://127.0.0.1:9090, or give the address of one replica",
			}, nil
		}
		before = now
	}
	if before.epoch() != first.epoch() {
		return reload.Verdict{Reason: "the server restarted just now"}, nil
	}
	return reload.Verdict{}, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

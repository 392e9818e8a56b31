package driver

import (
	"context"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
	"reloader/internal/reload"
)

const (
	pathPoolConfig = "/api/v1/scrape_pools/config" // since 3.15
	pathTargets    = "/api/v1/targets"
	maxJob         = 32 << 20
	// maxJobs bounds the text of jobs that is kept for the validator to compare, in bytes.
	maxJobs = 64 << 20
	// syncedAfter is how long after a load the server may still show the previous targets: they are updated some seconds
	// later, or more in a server with many targets.
	syncedAfter = time.Minute
)

// lookAtFileJobs compares the contents of the changed jobs of scrape_config_files, or of all of them.
func (d *Driver) lookAtFileJobs(ctx context.Context, p plan, pr reload.Proof, now runtime, l *look) *reload.Failure {
	e := p.expected
	if len(e.FileJobs) == 0 || len(l.evidence.poolless) > 0 {
		return nil
	}
	m := &d.memory
	all := true
	switch compared := m.jobsEpoch == now.epoch(); {
	case compared && !pr.Reloaded && same(pr, now) && m.jobsLoad == now.load():
		l.notCompared = append(l.notCompared, m.jobsUncompared...)
		return nil
	case compared && pr.Reloaded && len(e.FileJobs) > alwaysAll && p.changedJobs != nil:
		all = false
	}
	l.evidence.allJobs = all
	changed := map[string]bool{}
	for _, name := range p.changedJobs {
		changed[name] = true
	}
	c := jobComparison{d: d, e: e, now: now, uncompared: map[string]string{}}
	for i := range e.FileJobs {
		j := &e.FileJobs[i]
		if !all && !changed[j.Name] {
			continue
		}
		if f := c.job(ctx, j); f != nil {
			return f
		}
	}
	if f := c.others(ctx); f != nil {
		return f
	}
	c.tell(l)
	return nil
}

// jobComparison is one look at jobs of scrape_config_files.
type jobComparison struct {
	d   *Driver
	e   *proof.Expected
	now runtime

	refused     string            // why the server does not show jobs
	uncompared  map[string]string // jobs that could not be compared, and why
	targetsOnly int               // jobs of which only the targets were compared
	texts       strings.Builder   // jobs that the validator has to compare
	items       []proof.Item
	leftOut     []string
	differences []string
}

// job compares one job.
func (c *jobComparison) job(ctx context.Context, j *proof.FileJob) *reload.Failure {
	if c.refused != "" {
		return c.targets(ctx, j)
	}
	text, refused, f := c.d.printed(ctx, pathPoolConfig, url.Values{"scrapePool": {j.Name}}, maxJob, askTimeout)
	switch {
	case f != nil:
		return f
	case refused != "":
		c.refused = refused
		return c.targets(ctx, j)
	case proof.Sum(proof.Normal(text, nil)) == j.Sum:
	case c.d.sameVersion(c.e) && c.d.serverDir == "":
		c.differences = append(c.differences, j.Compare(text))
	case c.texts.Len()+len(text) > maxJobs:
		c.uncompared[j.Name] = "too large to be compared with those of another version"
	default:
		c.items = append(c.items, j.Item)
		mark := "- "
		for line := range strings.Lines(text) {
			c.texts.WriteString(mark + line)
			mark = "  "
		}
	}
	return nil
}

// targets compares the targets of a job whose contents the server does not show. They are updated some seconds after a load.
func (c *jobComparison) targets(ctx context.Context, j *proof.FileJob) *reload.Failure {
	if len(j.Targets) == 0 {
		c.uncompared[j.Name] = c.refused
		return nil
	}
	until := time.Now().Add(poolWait)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		have, refused, f := c.d.activeTargets(ctx, j.Name)
		if f != nil {
			return f
		}
		if refused != "" {
			c.uncompared[j.Name] = c.refused + ", " + refused
			return nil
		}
		difference := j.CompareTargets(have)
		switch {
		case difference == "" && len(have) == 0: // relabeling drops all of them
			c.uncompared[j.Name] = c.refused
			return nil
		case difference == "":
			c.targetsOnly++
			return nil
		case c.now.loadAge(c.d.last.ServerTime) > syncedAfter:
			c.differences = append(c.differences, difference)
			return nil
		case time.Now().After(until):
			return unfinished(difference + ", yet: the load was just now")
		}
		if f := wait(ctx, pause, "wait for targets"); f != nil {
			return f
		}
		if _, f := c.d.getRuntime(ctx); f != nil { // for the server's clock
			return f
		}
	}
}

// activeTargets are the digests of a job's active targets before relabeling.
func (d *Driver) activeTargets(ctx context.Context, job string) (targets []uint64, refused string, f *reload.Failure) {
	seen := map[uint64]bool{}
	refused, f = d.ask(ctx, pathTargets, url.Values{"state": {"active"}, "scrapePool": {job}}, maxJob, askTimeout, func(r io.Reader) error {
		return proof.ReadTargets(r, func(pool string, labels map[string]string) {
			if pool != job {
				return
			}
			if sum := proof.TargetSum(labels); !seen[sum] {
				seen[sum] = true
				targets = append(targets, sum)
			}
		})
	})
	return targets, refused, f
}

// others lets the validator compare the jobs that a server of another version prints differently.
func (c *jobComparison) others(ctx context.Context) *reload.Failure {
	if len(c.items) == 0 {
		return nil
	}
	failed := "the server is Prometheus " + c.d.facts.Version + ", reloader compares as " + c.e.Library
	if c.d.o.Comparer != nil {
		compared, f := c.d.compare(ctx, "scrape_configs:\n"+c.texts.String(), validator.Comparison{Jobs: true, Dir: c.d.serverDir, Items: c.items})
		if f != nil {
			return f
		}
		c.differences = append(c.differences, compared.Differences...)
		c.leftOut = compared.LeftOut
		if compared.Failed == "" {
			return nil
		}
		failed = compared.Failed
	}
	for _, i := range c.items {
		c.uncompared[i.Name] = failed
	}
	return nil
}

// tell adds the result to the look.
func (c *jobComparison) tell(l *look) {
	l.differences = append(l.differences, c.differences...)
	l.evidence.jobs = c.differences
	const what = " of scrape_config_files"
	before := len(l.notCompared)
	if n := len(c.uncompared); n > 0 {
		l.leaveOut("contents of "+proof.Counted(n, "job")+what, slices.Max(slices.Collect(maps.Values(c.uncompared))))
	}
	if c.targetsOnly > 0 {
		l.leaveOut("settings of "+proof.Counted(c.targetsOnly, "job")+what, c.refused+"; targets, intervals, timeouts, schemes, paths and parameters are the same")
	}
	if len(c.leftOut) > 0 {
		l.leaveOut("settings of jobs"+what+" that the files leave to the server", summary(c.leftOut))
	}
	l.evidence.jobsUncompared = l.notCompared[before:len(l.notCompared):len(l.notCompared)]
}

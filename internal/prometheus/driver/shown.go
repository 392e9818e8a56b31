package driver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
	"reloader/internal/reload"
)

// Bounds on requests to a server that may be large. maxConfig and maxRules are bytes.
const (
	maxConfig    = 256 << 20
	maxRules     = 1 << 30
	rulesTimeout = 2 * time.Minute
	groupsPage   = 1000
	// alwaysAll is how many rule files are all compared after each reload. If there are more, only the changed ones are,
	// and all of them at the next look.
	alwaysAll = 100
	// poolWait is how long after a load Prometheus may take to create the scrape pools of new jobs: targets reach
	// the scrape manager after up to 5 s, and it processes them every 5 s.
	poolWait = 15 * time.Second
)

// refused says briefly why the server does not show something, if that is its answer. If there was none, it returns the failure.
func (d *Driver) refused(at string, f *reload.Failure, status int) (string, *reload.Failure) {
	if status == 0 || status == http.StatusServiceUnavailable || status == http.StatusUnauthorized {
		return "", f
	}
	if status == http.StatusOK {
		return at + " answered something other than Prometheus' API", nil
	}
	return at + " answered " + strconv.Itoa(status), nil
}

// ask reads a large answer. refused says why the server does not show it.
func (d *Driver) ask(ctx context.Context, at string, query url.Values, limit int64, timeout time.Duration, read func(io.Reader) error) (refused string, f *reload.Failure) {
	a, f, err := d.c.Stream(ctx, at, query, timeout, limit, read)
	switch {
	case f != nil:
		return d.refused(at, f, 0)
	case a.Status/100 != 2:
		return d.refused(at, d.classify(http.MethodGet, at, a), a.Status)
	case err != nil && ctx.Err() != nil:
		return "", &reload.Failure{Class: reload.ClassTimeout, Message: "GET " + d.c.URL(at) + ": stopped", Untouched: true, Err: ctx.Err()}
	case err != nil:
		return d.refused(at, nil, http.StatusOK)
	}
	return "", nil
}

// printed is the YAML that the server prints at a path; refused says why it does not print it.
func (d *Driver) printed(ctx context.Context, at string, query url.Values, most int64, timeout time.Duration) (text, refused string, f *reload.Failure) {
	var answer struct {
		Status string `json:"status"`
		Data   struct {
			YAML *string `json:"yaml"`
		} `json:"data"`
	}
	refused, f = d.ask(ctx, at, query, most, timeout, func(r io.Reader) error {
		err := json.NewDecoder(r).Decode(&answer)
		if err == nil && (answer.Status != "success" || answer.Data.YAML == nil) {
			err = fmt.Errorf("status %q", answer.Status)
		}
		return err
	})
	if f == nil && refused == "" {
		text = *answer.Data.YAML
	}
	return text, refused, f
}

// lookAtConfig compares the configuration.
func (d *Driver) lookAtConfig(ctx context.Context, p plan, l *look) *reload.Failure {
	f := d.compareConfig(ctx, p.expected, l)
	l.differences = append(l.differences, l.evidence.config...)
	return f
}

func (d *Driver) compareConfig(ctx context.Context, e *proof.Expected, l *look) *reload.Failure {
	const what = "configuration"
	if e.Unprinted != "" {
		l.leaveOut(what, e.Unprinted)
		return nil
	}
	yaml, refused, f := d.printed(ctx, pathConfig, nil, maxConfig, rulesTimeout)
	if f != nil || refused != "" {
		if refused != "" {
			l.leaveOut(what, refused)
		}
		return f
	}
	l.evidence.config = e.OtherLabels(yaml)
	text := proof.Normal(yaml, e.Wild)
	l.evidence.shown = proof.Sum(text)
	if l.evidence.shown == e.Text {
		l.compared = append(l.compared, what)
		d.lookAtDefaults(e, yaml, l)
		return nil
	}
	if d.sameVersion(e) && d.serverDir == "" {
		l.compared = append(l.compared, what)
		l.evidence.config = append(l.evidence.config, proof.Differences(e.Items, proof.Cut(text))...)
		if len(l.evidence.config) == 0 {
			l.evidence.config = []string{"the configuration differs"}
		}
		return nil
	}
	return d.lookAtOtherConfig(ctx, e, yaml, l)
}

// lookAtOtherConfig lets the validator compare if the server prints in another way than the library.
func (d *Driver) lookAtOtherConfig(ctx context.Context, e *proof.Expected, text string, l *look) *reload.Failure {
	const what = "configuration"
	version := "the server is Prometheus " + d.facts.Version + ", reloader compares as " + e.Library
	if d.o.Comparer == nil {
		l.leaveOut(what, version)
		return nil
	}
	c, f := d.compare(ctx, text, validator.Comparison{Configuration: true, Dir: d.serverDir, Items: e.Items, Wild: e.Wild})
	if f != nil {
		return f
	}
	if c.Failed != "" {
		l.leaveOut(what, c.Failed)
		return nil
	}
	l.compared = append(l.compared, what)
	l.evidence.config = append(l.evidence.config, c.Differences...)
	if len(l.evidence.config) == 0 && d.memory.unmoved(e.Text, l.evidence.shown) {
		l.evidence.config = []string{"the configuration is the one from before this change"}
	}
	if len(c.LeftOut) > 0 {
		l.leaveOut("settings that the files leave to the server's defaults", summary(c.LeftOut)+" ("+version+")")
	}
	return nil
}

func (d *Driver) compare(ctx context.Context, text string, c validator.Comparison) (validator.Compared, *reload.Failure) {
	compared, err := d.o.Comparer.Compare(ctx, d.facts, text, c)
	if err != nil {
		return compared, local(err.Error(), err)
	}
	return compared, nil
}

// sameVersion reports whether the server prints as the validator's library does.
func (d *Driver) sameVersion(e *proof.Expected) bool {
	v, _, _ := strings.Cut(d.facts.Version, "+")
	return v == e.Library
}

// lookAtPools compares the scrape jobs.
func (d *Driver) lookAtPools(ctx context.Context, p plan, pr reload.Proof, now runtime, l *look) *reload.Failure {
	e := p.expected
	want := make(map[string]bool, len(e.Jobs))
	for _, j := range e.Jobs {
		want[j.Name] = j.Wait
	}
	until := time.Now().Add(poolsTake(pr.Reloaded, now))
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		var answer struct {
			ScrapePools *[]string `json:"scrapePools"`
		}
		a, f := d.get(ctx, pathPools, &answer)
		if f == nil && answer.ScrapePools == nil {
			f = notPrometheus(d.c.URL(pathPools))
		}
		if f != nil {
			refused, f := d.refused(pathPools, f, a.Status)
			if refused != "" {
				l.leaveOut("scrape jobs", refused)
			}
			return f
		}
		missing, extra := pools(want, *answer.ScrapePools)
		if len(missing) == 0 || time.Now().After(until) {
			l.takePools(e, missing, extra)
			return nil
		}
		if f := wait(ctx, pause, "wait for scrape pools"); f != nil {
			return f
		}
	}
}

// poolsTake is how much longer the pools of new jobs may take: after a load they are created one by one. If the
// server's clock was set back after the load, the load seems to be in the future; hence the bound.
func poolsTake(reloaded bool, now runtime) time.Duration {
	if reloaded {
		return poolWait
	}
	return min(poolWait, poolWait-now.loadAge(now.ServerTime))
}

// pools compares names. Missing pools count only if creating them may fail or nothing else shows the job.
func pools(want map[string]bool, have []string) (missing, extra []string) {
	for _, name := range have {
		if _, ok := want[name]; !ok {
			extra = append(extra, name)
		}
	}
	for name, wait := range want {
		if wait && !slices.Contains(have, name) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing, extra
}

func (l *look) takePools(e *proof.Expected, missing, extra []string) {
	if len(e.Jobs) > 0 {
		l.compared = append(l.compared, proof.Counted(len(e.Jobs), "scrape job"))
	}
	for _, name := range missing {
		l.differences = append(l.differences, `scrape job "`+name+`" has no scrape pool`)
	}
	l.evidence.poolless = missing
	if len(extra) > 0 && e.OpenJobs {
		l.leaveOut("scrape_config_files", proof.Counted(len(extra), "scrape job")+" of the server may come from files that are not visible to reloader")
		return
	}
	for _, name := range extra {
		l.differences = append(l.differences, `scrape job "`+name+`" is not in the files`)
	}
}

// lookAtRules compares the changed rules, or all of them page by page.
func (d *Driver) lookAtRules(ctx context.Context, p plan, pr reload.Proof, now runtime, l *look) *reload.Failure {
	e := p.expected
	if e.Agent {
		return nil
	}
	var only []string
	switch compared := d.memory.rulesEpoch == now.epoch(); {
	case compared && !pr.Reloaded && same(pr, now) && d.memory.rulesLoad == now.load(): // all were compared since this load
		only = []string{}
	case compared && pr.Reloaded && len(e.Rules) > alwaysAll && d.serverDir == "" && !strings.Contains(d.serverFile, "/..data/"):
		only = p.changed // the next look compares the others: the server's own copies of them may have changed, too
	}
	if only != nil && len(only) == 0 {
		l.compared = append(l.compared, proof.Counted(len(e.Rules), "rule file"))
		l.evidence.hidden = d.memory.invisible
		l.unread(e)
		return nil
	}
	rules := e.Compare(only)
	refused, f := d.askRules(ctx, only, rules)
	if f != nil || refused != "" {
		if refused != "" && (len(e.Rules) > 0 || d.memory.rulesEpoch != "") {
			l.leaveOut("rules", refused)
		}
		return f
	}
	if !d.sameVersion(e) && len(rules.Other) > 0 && d.o.Comparer != nil {
		c, f := d.compare(ctx, "", validator.Comparison{Groups: rules.Other})
		if f != nil {
			return f
		}
		rules.Reprinted(c.Groups)
	}
	o := rules.Outcome()
	l.compared = append(l.compared, proof.Counted(len(e.Rules), "rule file"))
	l.differences = append(l.differences, o.Differences...)
	l.evidence.rules, l.evidence.missing = o.Differences, o.Missing
	l.unread(e)
	l.evidence.hidden = o.Invisible
	if only != nil {
		l.evidence.hidden = d.memory.invisible
	} else {
		l.evidence.allRules = true
	}
	l.evidence.misread(e, l)
	return nil
}

// askRules requests rule groups without their alerts. Servers before 3.1 have no pages and send all at once.
func (d *Driver) askRules(ctx context.Context, only []string, into *proof.Rules) (refused string, f *reload.Failure) {
	query := url.Values{"exclude_alerts": {"true"}}
	if only != nil {
		query["file[]"] = only
	} else {
		query.Set("group_limit", strconv.Itoa(groupsPage))
	}
	for {
		next := ""
		refused, f = d.ask(ctx, pathRules, query, maxRules, rulesTimeout, func(r io.Reader) (err error) {
			next, err = proof.ReadRules(r, func(g proof.ServerGroup) {
				if d.serverDir != "" && !path.IsAbs(g.File) { // relative because --config.file is
					g.File = path.Join(d.serverDir, g.File)
				}
				into.Add(g)
			})
			return err
		})
		if f != nil || refused != "" || next == "" {
			return refused, f
		}
		query.Set("group_next_token", next)
	}
}

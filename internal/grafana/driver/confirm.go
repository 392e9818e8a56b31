package driver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"reloader/internal/grafana"
	"reloader/internal/reload"
)

// Confirm reads back what Grafana shows and compares it with the files. Only one thing proves what Grafana does not
// show or report: in its current life it answered our own reload of exactly these files with 200, and nothing else
// has made it load files since.
func (d *Driver) Confirm(ctx context.Context, p reload.Plan, proof reload.Proof) (reload.Verdict, error) {
	own, ok := p.Data.(plan)
	if !ok {
		return reload.Verdict{}, &reload.Failure{Class: reload.ClassLocal, Message: errNoPlan.Error(), Untouched: true, Err: errNoPlan}
	}
	d.look(ctx)
	if err := d.awaitEnd(); err != nil {
		return reload.Verdict{}, err
	}
	if !proof.Reloaded && own.restart {
		return reload.Verdict{Reason: "grafana.ini waits for a restart", After: proof.Before}, nil
	}
	if proof.Moved {
		clear(d.answered) // its 200 may have been for other files
	}
	strayed := !proof.Reloaded && !proof.Unchanged
	if own.unknown { // a gate's earlier files: the only proof is that Grafana accepted them
		return reload.Verdict{Proven: len(own.routes) > 0 && d.coveredAll(own, strayed), By: "status 200; the contents were not compared, because reloader knows only the files' digest",
			Reason: "the contents of these files are not known", NotCompared: []string{"all files: only their digest is known"}, After: d.observation()}, nil
	}
	seen := newComparison(own.changed)
	seen.old = grafana.ParseVersion(d.version).Before(comparesAlerting)
	if err := d.compare(ctx, own.files, seen); err != nil {
		return reload.Verdict{NotCompared: seen.notCompared()}, err
	}
	if len(seen.wrong) == 0 && len(seen.refused) > 0 && (d.coveredAll(own, strayed) || d.untouched(proof)) {
		return reload.Verdict{NotCompared: seen.notCompared()}, seen.refusal() // another reload would not change that
	}
	if len(seen.wrong) > 0 {
		if _, err := d.readSettings(ctx); err != nil {
			return reload.Verdict{}, err
		}
		if cause := d.readsElsewhere(own.provisioning); cause != "" {
			seen.causes = append(seen.causes, cause)
		}
	}
	v := d.verdict(own, seen, proof.Reloaded, strayed)
	if err := d.confirmIni(ctx, own, &v); err != nil {
		return reload.Verdict{}, err
	}
	if v.Proven {
		d.saved = seen.saved
	}
	v.Differences = bounded(v.Differences)
	v.After = d.observation()
	return v, nil
}

// untouched says that nothing has happened to Grafana since the proof: what it does not report now, it reported then.
func (d *Driver) untouched(proof reload.Proof) bool {
	now := d.observation()
	return !proof.Reloaded && proof.Unchanged && proof.Then.Ready && proof.Then.Epoch == now.Epoch && proof.Then.Load == now.Load
}

// verdict is the result of a comparison.
func (d *Driver) verdict(own plan, seen *comparison, reloaded, strayed bool) reload.Verdict {
	v := reload.Verdict{Differences: seen.wrong, NotCompared: seen.notCompared()}
	if own.files.Uncompared {
		v.NotCompared = append(v.NotCompared, fmt.Sprintf("all files: they have more than %d MiB of names and fingerprints, the most that reloader compares", maxExpected>>20))
	}
	d.heal = maps.Clone(seen.routes)
	var open []string // what only an answer could prove, but none does
	for _, r := range seen.refused {
		open = append(open, r.what)
		d.heal[r.route] = true
	}
	var told []string // what an answer proves
	for _, kind := range grafana.Kinds {
		what := slices.Concat(own.files.Hidden[kind.Route], seen.hidden[kind.Route])
		if len(what) == 0 {
			continue
		}
		if d.covered(kind.Route, own.files.Kinds[kind.Route], strayed) {
			told = append(told, what...)
			continue
		}
		open = append(open, what...)
		d.heal[kind.Route] = true
	}
	maps.DeleteFunc(d.done.routes, func(route string, _ bool) bool { return d.heal[route] })
	v.By = seen.by(reloaded, told)
	switch {
	case len(seen.wrong) > 0:
		v.Mismatch = true
		v.Reason = "Grafana shows something other than the files: " + shorten(seen.wrong)
		v.Cause = seen.cause(reloaded && slices.ContainsFunc(d.called, func(route string) bool { return seen.routes[route] }))
	case len(open) > 0:
		v.Reason = "Grafana does not show everything, and reloader has not told it to load these files since it started: " + shorten(open)
		if reloaded {
			v.Reason = "Grafana answered 200, but then restarted or loaded files without reloader: " + shorten(open)
		}
	default:
		v.Proven = true
	}
	return v
}

// compare compares each kind of which there are files.
func (d *Driver) compare(ctx context.Context, e expectation, seen *comparison) error {
	if e.Uncompared {
		return nil
	}
	for _, one := range []func(context.Context, expectation, *comparison) error{d.compareDatasources, d.compareAlerting, d.compareDashboards} {
		if err := one(ctx, e, seen); err != nil {
			return err
		}
	}
	return nil
}

// comparison collects what Grafana shows differently, and what it does not show.
type comparison struct {
	changed map[string]bool // the files whose objects are compared first
	old     bool            // this version may lack some of the API
	wrong   []string        // what is not as the files say
	causes  []string        // known causes of differences
	routes  map[string]bool // the kinds with something wrong
	hidden                  // what could not be compared
	refused []refusal       // what Grafana did not report when it was asked
	tooLong []string        // what was not read because the answer was too long
	checked []string        // what was read back, for the proof
	saved   map[key]int     // the version of each data source
}

func newComparison(changed map[string]bool) *comparison {
	return &comparison{changed: changed, routes: map[string]bool{}, hidden: hidden{}, saved: map[key]int{}}
}

// add notes a difference; cause may be empty.
func (c *comparison) add(route, cause, format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
	c.routes[route] = true
	c.because(cause)
}

// because notes a cause of differences, unless it is empty.
func (c *comparison) because(cause string) {
	if cause != "" && !slices.Contains(c.causes, cause) {
		c.causes = append(c.causes, cause)
	}
}

// notReported notes that the server did not report something: by a status, or by an answer that does not come from Grafana.
// It returns other errors: then no comparison is possible now.
func (c *comparison) notReported(route, what string, err error) error {
	f, ok := errors.AsType[*reload.Failure](err)
	if !ok || optional(err) != nil {
		if ok {
			c.refused = append(c.refused, refusal{route, what, f})
		}
		return err
	}
	if errors.Is(err, errTooLong) {
		c.hide(route, what)
		c.tooLong = append(c.tooLong, what+": "+f.Message)
		return nil
	}
	if c.old && f.Class == reload.ClassNotFound {
		c.hide(route, what) // not in the API of this version
		return nil
	}
	c.refused = append(c.refused, refusal{route, what, f})
	return nil
}

// refusal is something that Grafana did not report when it was asked.
type refusal struct {
	route, what string
	failure     *reload.Failure
}

// refusal is the failure of the first refusal, with the names of everything that was refused.
func (c *comparison) refusal() *reload.Failure {
	f := *c.refused[0].failure
	var what []string
	for _, r := range c.refused {
		what = append(what, r.what)
	}
	f.Message = shorten(what) + " not compared: " + f.Message
	return &f
}

// notCompared names what Grafana did not report, with the reasons.
func (c *comparison) notCompared() []string {
	out := slices.Clone(c.tooLong)
	for _, r := range c.refused {
		out = append(out, r.what+": "+r.failure.Message)
	}
	return bounded(out)
}

// counted notes that n things of a kind were read back.
func (c *comparison) counted(n int, what string) {
	if n > 0 {
		c.checked = append(c.checked, fmt.Sprintf("%d %s", n, plural(what, n)))
	}
}

func (c *comparison) by(reloaded bool, told []string) string {
	var parts []string
	if reloaded {
		parts = append(parts, "status 200")
	}
	if len(c.checked) > 0 {
		parts = append(parts, "contents of "+strings.Join(c.checked, ", "))
	}
	by := strings.Join(parts, ", ")
	if len(told) > 0 {
		by += "; not shown by Grafana, which answered 200 when told to load it: " + shorten(told)
	}
	return strings.TrimPrefix(by, "; ")
}

// cause is the likely cause, and what to do. called says that Grafana was just told to load what differs.
func (c *comparison) cause(called bool) string {
	switch {
	case len(c.causes) > 0:
		return strings.Join(c.causes, " ")
	case called:
		return "Grafana answered 200, but read different files from reloader. Mount the directory into Grafana's container, not a subPath or a single file, which keep an old copy; both containers must mount the same volume."
	}
	return "It was changed in Grafana itself, by hand or by another program. The next reload restores what the files say."
}

// maxListed is how many entries a status, an event and a log line have of a list.
const maxListed = 20

// bounded keeps a list that people read short.
func bounded(list []string) []string {
	if len(list) <= maxListed {
		return list
	}
	return append(list[:maxListed:maxListed], fmt.Sprintf("and %d more", len(list)-maxListed))
}

// shorten joins the first few of a list.
func shorten(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, "; ")
	}
	return strings.Join(list[:most], "; ") + fmt.Sprintf("; and %d more", len(list)-most)
}

func plural(what string, n int) string {
	if n == 1 {
		return what
	}
	return what + "s"
}

// inOrgs calls f for each organization.
func inOrgs[T any](byOrg map[int64]T, f func(org int64, items T) error) error {
	for _, org := range slices.Sorted(maps.Keys(byOrg)) {
		if err := f(org, byOrg[org]); err != nil {
			return err
		}
	}
	return nil
}

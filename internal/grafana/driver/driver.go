// Package driver makes a running Grafana follow its provisioning files and proves that it does.
package driver

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"reloader/internal/finding"
	"reloader/internal/httpclient"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// Options describe one Grafana.
type Options struct {
	// Client holds the server's address, credentials and TLS settings.
	Client *httpclient.Client
	// Validator judges the files again with data that only the live server has; nil: no second verdict.
	Validator finding.Validator
	// Allow names guards that are switched off; see finding.Request.
	Allow []string
	// SameEnv says that this process sees Grafana's environment and files.
	SameEnv bool
	// Restarter ends the Grafana process when a changed grafana.ini needs a restart; nil: never.
	Restarter Restarter
	// ProcessStart is when the process started, if /metrics does not report it; nil: not known.
	ProcessStart func() (time.Time, error)
	// IniTimes says since when grafana.ini has its present contents; nil, or zero times: not known.
	IniTimes func() IniTimes
	// Timeout bounds one reload call; 0 means 60 s, or more when there are many entries.
	Timeout time.Duration
	// Logger may be nil.
	Logger *slog.Logger
	// Clock is time.Now when nil.
	Clock func() time.Time
}

// Restarter ends a process so that its supervisor starts it again.
type Restarter interface {
	// Terminate asks the process to shut down cleanly (SIGTERM).
	Terminate(ctx context.Context) error
}

// Driver is a reload.Driver for Grafana.
type Driver struct {
	o     Options
	api   *api
	least time.Duration // minTimeout, shorter in tests
	memory
}

// memory is what a driver knows about its server, and hands over to the next driver; see Inherit.
type memory struct {
	version   string // the version in the newest answer of /api/health
	mayReload string // the epoch of the life in which the user had the permission to reload

	// life is what is known about the process that answers.
	life life
	// answered are our own reloads that Grafana answered with 200, by route.
	answered map[string]answered
	// posts counts our reload requests that were answered since the newest look, by route.
	posts    map[string]uint64
	patience patience
	// heal are the kinds that the newest comparison found different or unproven: each reload includes them.
	heal map[string]bool

	// expected is what the files of the newest plans say, so that a plan can be made again when
	// the contents are no longer kept. The newest is last.
	expected []remembered
	// What earlier files said, which shows what must be gone once they are removed.
	prunable map[key]bool   // whether the last file that named a data source had prune: true
	defaults map[key]bool   // data sources that a file made the default
	saved    map[key]int    // the versions of data sources when they were last proven
	provided map[key]string // the file of each provisioned dashboard, by organization and uid
	detailed map[int64]int  // the last life in which Grafana reported the checksums of an organization's dashboards

	restarts restarts
	settled  settled
	settings serverSettings
	ended    *ended // a process that was asked to end and may still answer; nil: none
	done     progress
	// called are the routes that the newest reload called.
	called   []string
	inFlight chan outcome // a reload that was sent and is not yet answered; nil: none
}

// progress says which calls of one attempt need not be repeated: Grafana answered them with 200,
// and what can be read back matches the files. A needless reload of alerting would reset the
// pending state of every alert.
type progress struct {
	digest snapshot.Digest
	life   int
	routes map[string]bool
}

type remembered struct {
	digest snapshot.Digest
	facts  expectedFor
	files  expectation
}

// keepExpectations covers the files that run and those that should run.
const keepExpectations = 2

// maxProvided is the maximum number of objects that are remembered after their files were removed.
const maxProvided = 10_000

// New makes a driver. It sends no request.
func New(o Options) *Driver {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Driver{o: o, api: newAPI(o), least: minTimeout, memory: memory{
		life: life{born: strconv.FormatInt(o.Clock().UnixNano(), 36)}, answered: map[string]answered{}, posts: map[string]uint64{}, patience: patience{},
		prunable: map[key]bool{}, defaults: map[key]bool{}, provided: map[key]string{}, detailed: map[int64]int{},
	}}
}

var _ reload.Driver = (*Driver)(nil)

func (d *Driver) remember(digest snapshot.Digest, facts finding.Facts, e expectation) {
	d.expected = slices.DeleteFunc(d.expected, func(r remembered) bool { return r.digest == digest })
	d.expected = append(d.expected, remembered{digest, factsOf(facts), e})
	d.expected = d.expected[max(0, len(d.expected)-keepExpectations):]
	for _, ds := range e.Datasources {
		if len(d.prunable) < maxProvided {
			d.prunable[ds.Key] = ds.Prune
			d.defaults[ds.Key] = d.defaults[ds.Key] || ds.IsDefault
		}
	}
	for _, one := range e.Dashboards {
		if one.UID != "" && len(d.provided) < maxProvided {
			d.provided[key{Org: one.Org, ID: one.UID}] = one.File
		}
	}
}

// recall returns what the files with a digest say, and the facts with which they were read.
func (d *Driver) recall(digest snapshot.Digest) (r remembered, ok bool) {
	i := slices.IndexFunc(d.expected, func(r remembered) bool { return r.digest == digest })
	if i < 0 {
		return remembered{}, false
	}
	return d.expected[i], true
}

// Inherit continues where another driver for the same Grafana stopped: its reload in flight stays the only one, failed
// logins stay counted, and Grafana is not restarted again for the same grafana.ini.
func (d *Driver) Inherit(from reload.Driver) {
	old, ok := from.(*Driver)
	if !ok {
		return
	}
	d.memory = old.memory
	d.api.guard = old.api.guard
	d.api.guard.now = d.o.Clock
	d.life.connections = 0
	if d.life.start == 0 {
		// Our connection is a new one, so it cannot show whether Grafana was restarted: assume that it was.
		d.life.number++
		d.life.cuts++
	}
}

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
	// Validator judges the files again with what only the live server knows; nil: no second verdict.
	Validator finding.Validator
	// Allow names guards that are switched off; see finding.Request.
	Allow []string
	// SameEnv says that this process sees Grafana's environment and files.
	SameEnv bool
	// Restarter ends the Grafana process when a changed grafana.ini needs a restart; nil: never.
	Restarter Restarter
	// ProcessStart is when the process started, for when /metrics does not tell; nil: not known.
	ProcessStart func() (time.Time, error)
	// IniTimes says since when grafana.ini is as it is; nil, or zero times: not known.
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
	// Terminate asks the process to end in order (SIGTERM).
	Terminate(ctx context.Context) error
}

// Driver is a reload.Driver for Grafana.
type Driver struct {
	o     Options
	api   *api
	least time.Duration // minTimeout, shorter in tests
	memory
}

// memory is what a driver knows of its server, and leaves to the next one; see Inherit.
type memory struct {
	version   string // what /api/health said last
	mayReload string // the epoch of the life in which the user was seen to have the right to reload

	// life is what is known of the process that answers.
	life life
	// answered are our own reloads that were answered with 200, by route.
	answered map[string]answered
	// posts are the reload requests that were answered since the newest look, by route.
	posts    map[string]uint64
	patience patience
	// heal are the kinds that the newest comparison found different or unproven: each reload makes them too.
	heal map[string]bool

	// expected is what the files of the newest plans say, so that a plan can be made again when
	// the contents are gone. The newest is last.
	expected []remembered
	// What earlier files said, and what must not be there any more when they have gone.
	prunable map[key]bool   // whether the file that named a data source last had prune: true
	defaults map[key]bool   // data sources that a file made the default
	saved    map[key]int    // the number of saves of data sources when they were last proven
	provided map[key]string // dashboards that a file made, by organization and uid, with the file
	detailed map[int64]int  // the life in which Grafana told the checksums of an organization's dashboards last

	restarts restarts
	settled  settled
	settings serverSettings
	ended    *ended // a process that was asked to end and may still answer; nil: none
	done     progress
	// called are the routes that the newest reload called.
	called   []string
	inFlight chan outcome // a reload that was sent and has not been answered; nil: none
}

// progress is which calls of one attempt need no repetition: they were answered with 200, and
// what can be read back is as the files say. An alerting reload that is not needed would reset
// the pending state of every alert.
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

// keepExpectations covers the files that run and those that should.
const keepExpectations = 2

// maxProvided bounds how many objects are remembered after their files have gone.
const maxProvided = 10_000

// New makes a driver. It sends nothing before it is asked to.
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

// recall says what the files of a digest say, and with which facts they were read.
func (d *Driver) recall(digest snapshot.Digest) (r remembered, ok bool) {
	i := slices.IndexFunc(d.expected, func(r remembered) bool { return r.digest == digest })
	if i < 0 {
		return remembered{}, false
	}
	return d.expected[i], true
}

// Inherit goes on where another driver for the same Grafana has stopped: a reload that is in flight there stays the only
// one, tries of a wrong password stay counted, and Grafana is not ended again for what it was ended for.
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
		// Our connection is another one, so that it tells nothing of a restart: it counts as one.
		d.life.number++
		d.life.cuts++
	}
}

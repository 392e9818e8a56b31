package app

import (
	"cmp"
	"context"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	"reloader/internal/config"
	"reloader/internal/finding"
	"reloader/internal/history"
	"reloader/internal/inputs"
	"reloader/internal/kube"
	"reloader/internal/mounts"
	"reloader/internal/paths"
	"reloader/internal/reload"
	"reloader/internal/status"
)

// cluster talks to the Kubernetes API, if the configuration asks for it.
type cluster struct {
	propagation *kube.Propagation
	// dirs are the directories of each target, []string by name, for writer.
	dirs   sync.Map
	events *kube.Events

	cancel context.CancelFunc
	work   *sync.WaitGroup
}

// joinCluster makes what the configuration asks for; everything stays nil by default.
func (a *App) joinCluster(cfg config.Config) error {
	if !cfg.FastPropagation && !cfg.Events {
		return nil
	}
	client, err := kube.InPod(os.Getenv)
	if err != nil {
		return err
	}
	a.tracker.CallsBy(func() []status.Call { return calls(client.Calls()) })
	if cfg.FastPropagation {
		a.cluster.propagation = kube.NewPropagation(client, a.log)
		a.cluster.propagation.Announce = a.prepare
		a.history.WriterFrom(a.cluster.writer)
	}
	if cfg.Events {
		a.cluster.events = kube.NewEvents(client, a.log)
	}
	return nil
}

// prepare makes validators ready, for the targets with files in these mounts: the kubelet will write there soon.
func (a *App) prepare(mounts []string) {
	var concerned []func()
	a.mu.Lock()
	for name, u := range a.units {
		if u.prepare != nil && paths.AnyOverlap(mounts, a.cluster.followed(name)) {
			concerned = append(concerned, u.prepare)
		}
	}
	a.mu.Unlock()
	for _, f := range concerned { // without the lock: it searches for the program on the disk
		f()
	}
}

// writer returns who wrote the newest of a target's objects after a time.
func (c *cluster) writer(target string, since time.Time) *history.Writer {
	return c.propagation.LastWrite(c.followed(target), since)
}

// followed returns the directories of a target; nil if there is no such target.
func (c *cluster) followed(target string) []string {
	dirs, _ := c.dirs.Load(target)
	list, _ := dirs.([]string)
	return list
}

// calls converts the counts of calls for the metrics, in the same order each time.
func calls(counted map[kube.Call]uint64) []status.Call {
	var list []status.Call
	for call, count := range counted {
		code := "none"
		if call.Code != 0 {
			code = strconv.Itoa(call.Code)
		}
		list = append(list, status.Call{Verb: call.Verb, Code: code, Count: count})
	}
	sort.Slice(list, func(i, j int) bool {
		return cmp.Or(cmp.Compare(list[i].Code, list[j].Code), cmp.Compare(list[i].Verb, list[j].Verb)) < 0
	})
	return list
}

// observer returns what gets the transitions; nil when Events are off.
func (c *cluster) observer() reload.Observer {
	if c.events == nil {
		return nil
	}
	return c.events
}

// start runs everything until stop.
func (c *cluster) start(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(ctx)
	c.work = &sync.WaitGroup{}
	if c.propagation != nil {
		c.work.Go(func() { c.propagation.Run(ctx) })
	}
	if c.events != nil {
		c.work.Go(func() { c.events.Run(ctx) })
	}
}

// stop comes after the targets have ended, and waits for their last Events.
func (c *cluster) stop() {
	if c.cancel != nil {
		c.cancel()
		c.work.Wait()
	}
}

// noteFrozenMounts reports the sources' mounts that the kubelet never updates.
func (a *App) noteFrozenMounts(targets []config.Target) {
	frozen, err := mounts.OwnFrozen()
	if err != nil {
		a.log.Warn("could not check for subPath mounts", "err", err)
		return
	}
	var dirs []string
	for _, t := range targets {
		dirs = append(dirs, inputs.NewReader(t).Dirs()...)
	}
	notes := frozenNotes(frozen, dirs)
	for _, n := range notes {
		a.log.Error("a mount will never receive updates", "at", n.File, "message", n.Message)
	}
	a.tracker.Note(notes)
}

// frozenNotes returns a finding for each mount that lies in one of the directories or contains one.
func frozenNotes(frozen []mounts.Mount, dirs []string) []finding.Finding {
	var notes []finding.Finding
	for _, m := range frozen {
		if paths.AnyOverlap([]string{m.Path}, dirs) {
			notes = append(notes, finding.Finding{File: m.Path, Severity: finding.Error, Rule: mounts.SubPathRule, Message: m.String()})
		}
	}
	return notes
}

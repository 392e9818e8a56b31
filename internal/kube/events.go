package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"reloader/internal/finding"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
)

// The reasons of reloader's Events, as `kubectl get events` shows them.
const (
	ConfigRejected  = "ConfigRejected"
	ConfigApplied   = "ConfigApplied"
	RolledBack      = "RolledBack"
	RestartRequired = "RestartRequired"
	ConfigMismatch  = "ConfigMismatch"
	ReloadRefused   = "ReloadRefused"
)

const (
	maxMessage = 1024 // bytes; the limit of the API (events.k8s.io) and of client-go's recorder
	maxQueue   = 64   // events that wait for the API; the oldest are dropped
	maxKnown   = 128  // events that are counted instead of repeated
	drainTime  = 3 * time.Second
)

// Events reports transitions of targets as Events of reloader's pod. An Event that was already
// sent is counted, not repeated. It is a reload.Observer.
type Events struct {
	client *Client
	log    *slog.Logger
	now    func() time.Time
	wake   chan struct{}
	// forbiddenFor; shorter in tests.
	forbidden time.Duration

	mu      sync.Mutex
	queue   []event
	bad     map[string]bool // targets whose last verdict was bad: their next success gets an Event
	restart map[string]string
	ran     map[string]snapshot.Digest // what each target was last proven to run
	said    map[string]event           // the last Event about a target's failing tries, to send it once

	// Only Run's goroutine uses these.
	known  map[event]*sent
	order  []event
	warned bool
}

// event is what two Events must have in common to be counted as one.
type event struct{ kind, reason, message string }

// sent is an Event that the API has.
type sent struct {
	name  string
	first time.Time
	count int
}

// NewEvents makes an Events; Run sends what Transition queues.
func NewEvents(c *Client, log *slog.Logger) *Events {
	return &Events{
		client: c, log: log, now: time.Now, wake: make(chan struct{}, 1), forbidden: forbiddenFor,
		bad: map[string]bool{}, restart: map[string]string{}, said: map[string]event{}, ran: map[string]snapshot.Digest{}, known: map[event]*sent{},
	}
}

// Transition queues an Event for what a user would want to know. It never blocks.
func (e *Events) Transition(from, to reload.Status) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.ran[to.Target]; !ok {
		e.ran[to.Target] = from.Running
	}
	entered := from.Phase != to.Phase || from.Wanted != to.Wanted
	switch {
	case to.Phase == reload.Rejected && entered:
		e.bad[to.Target] = true
		e.add(event{"Warning", ConfigRejected, describe(to)})
	case to.Phase == reload.RolledBack && entered:
		e.bad[to.Target] = true
		e.add(event{"Warning", RolledBack, fmt.Sprintf("%s refused %s and has the last good files again: %s%s", to.Target, to.Wanted.Short(), to.Reason, answer(to))})
	case to.Phase == reload.Mismatch && entered:
		e.again(to, event{"Warning", ConfigMismatch, mismatch(to)})
	case to.Phase == reload.Retrying && entered && to.Failure != nil && (to.Failure.Class == reload.ClassRefused || to.Failure.Class == reload.ClassPartial):
		e.again(to, event{"Warning", ReloadRefused, fmt.Sprintf("%s: %s%s", to.Target, to.Failure.Message, answer(to))})
	case to.Phase == reload.InSync && from.Phase != reload.InSync && (e.bad[to.Target] || to.Running != e.ran[to.Target] && !e.ran[to.Target].IsZero()):
		e.bad[to.Target] = false
		delete(e.said, to.Target)
		e.add(event{"Normal", ConfigApplied, applied(e.ran[to.Target], to)})
	}
	if !to.Running.IsZero() { // unknown after a reload, until the server was asked
		e.ran[to.Target] = to.Running
	}
	settings := strings.Join(to.RestartRequired, ", ")
	if settings != e.restart[to.Target] {
		e.restart[to.Target] = settings
		if settings != "" {
			e.add(event{"Warning", RestartRequired, fmt.Sprintf("%s needs a restart for: %s", to.Target, settings)})
		}
	}
}

// again adds an event about something that is retried: only once, until it changes or the target is in sync.
func (e *Events) again(s reload.Status, ev event) {
	e.bad[s.Target] = true
	if e.said[s.Target] != ev {
		e.said[s.Target] = ev
		e.add(ev)
	}
}

// add queues an event; the caller holds the lock.
func (e *Events) add(ev event) {
	ev.message = finding.Cut(strings.Join(strings.Fields(ev.message), " "), maxMessage-len("..."))
	e.queue = append(e.queue, ev)
	if len(e.queue) > maxQueue {
		e.queue = e.queue[1:]
	}
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Events) next() (event, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		return event{}, false
	}
	ev := e.queue[0]
	e.queue = e.queue[1:]
	return ev, true
}

// Run sends events until ctx ends, then for at most drainTime what is still queued.
func (e *Events) Run(ctx context.Context) {
	for {
		select {
		case <-e.wake:
			e.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
			defer cancel()
			e.flush(last)
			return
		}
	}
}

// flush sends what is queued. While the API cannot be reached, it retries, and newer events wait; only the newest
// maxQueue of them are kept.
func (e *Events) flush(ctx context.Context) {
	for {
		ev, ok := e.next()
		if !ok {
			return
		}
		var trouble outage
		for {
			err := e.send(ctx, ev)
			if err == nil {
				e.warned = false
				break
			}
			pause := trouble.note(err)
			if refused := trouble.refused(); hopeless(err) || refused > 0 && (e.warned || refused >= e.forbidden) {
				e.refused(err)
				break
			}
			e.log.Debug("send event", "reason", ev.reason, "err", err)
			if !sleep(ctx, pause) {
				if ctx.Err() != nil {
					e.putBack(ev)
				}
				return
			}
		}
	}
}

// putBack keeps an event for the last flush.
func (e *Events) putBack(ev event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = slices.Insert(e.queue, 0, ev)
}

// refused logs once that Events cannot be written.
func (e *Events) refused(err error) {
	if e.warned {
		e.log.Debug("send event", "err", err)
		return
	}
	e.warned = true
	e.log.Error("cannot write Events", "err", err, "hint", hint(err, "create and patch", "events"))
}

// send raises the count of an Event that the API has, or creates it.
func (e *Events) send(ctx context.Context, ev event) error {
	now := e.now().UTC()
	if s := e.known[ev]; s != nil {
		err := e.count(ctx, s, now)
		if status(err) != http.StatusNotFound { // the API keeps it for an hour by default
			return err
		}
		e.forget(ev)
	}
	s := &sent{name: e.name(now), first: now, count: 1}
	if err := e.create(ctx, ev, s); err != nil {
		return err
	}
	e.known[ev] = s
	e.order = append(e.order, ev)
	if len(e.order) > maxKnown {
		e.forget(e.order[0])
	}
	return nil
}

// name is the pod's name, cut so that the whole fits in 253 characters, with a suffix that is new each time.
func (e *Events) name(now time.Time) string {
	pod := e.client.pod
	if len(pod) > 230 {
		pod = strings.TrimRight(pod[:230], "-.")
	}
	return fmt.Sprintf("%s.%x", pod, uint64(now.UnixNano())+rand.Uint64N(1000))
}

func (e *Events) forget(ev event) {
	delete(e.known, ev)
	e.order = slices.DeleteFunc(e.order, func(o event) bool { return o == ev })
}

func (e *Events) count(ctx context.Context, s *sent, now time.Time) error {
	body, err := json.Marshal(map[string]any{"count": s.count + 1, "lastTimestamp": now.Format(time.RFC3339)})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	err = e.client.call(ctx, request{
		method: http.MethodPatch, path: "events/" + url.PathEscape(s.name), contentType: "application/merge-patch+json", body: body,
	}, nil)
	if err != nil {
		return fmt.Errorf("count event %s: %w", s.name, err)
	}
	s.count++
	return nil
}

func (e *Events) create(ctx context.Context, ev event, s *sent) error {
	involved := map[string]string{"apiVersion": "v1", "kind": "Pod", "namespace": e.client.namespace, "name": e.client.pod}
	if e.client.uid != "" {
		involved["uid"] = e.client.uid // without it `kubectl describe pod` does not list the event
	}
	stamp := s.first.Format(time.RFC3339)
	body, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Event",
		"metadata":       map[string]string{"name": s.name, "namespace": e.client.namespace},
		"involvedObject": involved,
		"reason":         ev.reason, "message": ev.message, "type": ev.kind,
		"source":             map[string]string{"component": "reloader"},
		"reportingComponent": "reloader", "reportingInstance": e.client.pod,
		"firstTimestamp": stamp, "lastTimestamp": stamp, "count": s.count,
	})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	err = e.client.call(ctx, request{method: http.MethodPost, path: "events", contentType: "application/json", body: body}, nil)
	if err != nil {
		return fmt.Errorf("write event %s: %w", ev.reason, err)
	}
	return nil
}

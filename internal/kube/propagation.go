package kube

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"reloader/internal/mounts"
)

// rewatchPause is the pause after a watch that ended normally, as in client-go.
const rewatchPause = 800 * time.Millisecond

// proven is how long a watch must have lasted for its end to count as normal.
const proven = time.Second

// Propagation brings changes of the mounted ConfigMaps and Secrets into the pod at
// once. A failure here costs only speed: the kubelet still updates the mounts.
type Propagation struct {
	// Announce is called with the mounts of an object that has changed: the kubelet will write there soon. It must not
	// block. Nil is not called. Set it before Run.
	Announce func(mounts []string)

	client *Client
	log    *slog.Logger
	// mountPoints returns those of this container.
	mountPoints func() ([]string, error)
	changes     chan change
	// repeatAfter, patchGap and forbiddenFor; shorter in tests.
	repeat, gap, forbidden time.Duration
	// spread is patchJitter and rewatch is rewatchPause; shorter in tests.
	spread, rewatch time.Duration
	// Only the goroutine that patches uses it.
	patching outage

	mu        sync.Mutex
	logged    map[string]bool // permanent failures that were logged, by verb and resource
	disturbed time.Time       // when a watch was last interrupted
	written   map[object]mountedWrite
}

// NewPropagation makes a Propagation; Run does the work.
func NewPropagation(c *Client, log *slog.Logger) *Propagation {
	return &Propagation{
		client: c, log: log, mountPoints: mounts.OwnPoints, changes: make(chan change), logged: map[string]bool{},
		repeat: repeatAfter, gap: patchGap, forbidden: forbiddenFor, spread: patchJitter, rewatch: rewatchPause,
	}
}

// Run watches and patches until ctx ends.
func (p *Propagation) Run(ctx context.Context) {
	objects, ok := p.learn(ctx)
	if !ok {
		return
	}
	names := make([]string, 0, len(objects))
	for o := range objects {
		names = append(names, o.String())
	}
	p.log.Info("fast propagation is on", "objects", names, "pod", p.client.namespace+"/"+p.client.pod)
	var wg sync.WaitGroup
	for o, mounts := range objects {
		wg.Go(func() { p.follow(ctx, o, mounts) })
	}
	p.patches(ctx)
	wg.Wait()
}

// learn finds out what to watch. It reports false when there is nothing to do.
func (p *Propagation) learn(ctx context.Context) (map[object][]string, bool) {
	var trouble outage
	for {
		objects, err := p.objects(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, false
		case err == nil && len(objects) == 0:
			p.log.Warn("fast propagation has nothing to watch: no ConfigMap or Secret is mounted here as a directory")
			return nil, false
		case err == nil:
			p.works("get", "pods")
			return objects, true
		}
		pause := trouble.note(err)
		p.failed(err, "get", "pods", trouble.refused())
		if errors.Is(err, errNotHere) {
			return nil, false // neither our mounts nor the pod's name will change
		}
		if !sleep(ctx, pause) {
			return nil, false
		}
	}
}

func (p *Propagation) objects(ctx context.Context) (map[object][]string, error) {
	own, err := p.client.ownPod(ctx)
	if err != nil {
		return nil, err
	}
	points, err := p.mountPoints()
	if err != nil {
		return nil, err
	}
	return own.objects(points)
}

// follow watches one object until ctx ends.
func (p *Propagation) follow(ctx context.Context, o object, mounts []string) {
	last := ""
	var trouble outage
	for {
		lasted, err := p.client.watch(ctx, o, func(v version) {
			p.works("watch", o.String())
			p.note(o, mounts, v.ManagedFields)
			if v.ResourceVersion == last {
				return
			}
			c := change{mounts: mounts, before: targets(mounts), first: last == ""}
			last = v.ResourceVersion
			p.log.Debug("object has a new version", "object", o.String())
			if !c.first && p.Announce != nil {
				p.Announce(mounts)
			}
			select {
			case p.changes <- c:
			case <-ctx.Done():
			}
		})
		if ctx.Err() != nil {
			return
		}
		if lasted >= proven {
			trouble.note(nil)
		}
		pause := p.rewatch + jitter(p.rewatch) // an API server that shuts down ends the watches of all pods at once
		if lasted < proven || !errors.Is(err, errWatchEnded) {
			if status(err) != http.StatusForbidden && !hopeless(err) { // they do not mean that the kubelet was cut off, too
				p.interrupted()
			}
			pause = trouble.note(err)
			p.failed(err, "watch", o.String(), trouble.refused())
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

func (p *Propagation) interrupted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.disturbed = time.Now()
}

// failed logs once what only the user can fix, above all a missing permission. Everything else recovers by itself and is
// logged at debug level. refused is how long the API has been answering 403.
func (p *Propagation) failed(err error, verb, resource string, refused time.Duration) {
	forGood := status(err) == http.StatusForbidden && refused >= p.forbidden || hopeless(err) || errors.Is(err, errNotHere)
	p.mu.Lock()
	defer p.mu.Unlock()
	if what := verb + " " + resource; !forGood || p.logged[what] {
		p.log.Debug("fast propagation: failed; changes arrive with the kubelet's delay for now", "err", err)
	} else {
		p.logged[what] = true
		p.log.Error("fast propagation does not work: changes arrive with the kubelet's delay", "err", err, "hint", hint(err, verb, resource))
	}
}

// works logs that a failure is over, if failed logged it.
func (p *Propagation) works(verb, resource string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if what := verb + " " + resource; p.logged[what] {
		delete(p.logged, what)
		p.log.Info("fast propagation: recovered", "request", what)
	}
}

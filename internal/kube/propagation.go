package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Annotation is what a patch of the own pod changes. Any change of the pod makes the kubelet
// look at its volumes at once; without one it takes up to about 90 s.
const Annotation = "reloader/refresh"

const (
	// repeatAfter is when a mount that has not changed gets its second and last patch: the
	// kubelet may have heard of the pod before it heard of the ConfigMap.
	repeatAfter = 2 * time.Second
	// patchGap is the least time between two patches.
	patchGap = 200 * time.Millisecond
	// After an interrupted watch the kubelet, too, has to find its way back to the API, and takes its
	// time between two tries. For as long as disturbedFor a patch is repeated up to maxRepeats times,
	// at doubling distances.
	disturbedFor = time.Minute
	maxRepeats   = 5
	// forbiddenFor is how long a 403 is not believed: an API server that has just started answers so
	// until it knows the Roles.
	forbiddenFor = 15 * time.Second
	// maxPause is the longest pause between two tries.
	maxPause = 10 * time.Second
)

// Propagation brings changes of the ConfigMaps and Secrets behind our mounts into the pod at
// once. Whatever fails here costs speed only: the kubelet brings them in its own time.
type Propagation struct {
	client *Client
	log    *slog.Logger
	// mountPoints are this container's.
	mountPoints func() ([]string, error)
	changes     chan change
	// repeatAfter, patchGap and forbiddenFor, shorter in tests.
	repeat, gap, forbidden time.Duration

	mu        sync.Mutex
	warned    map[string]bool
	disturbed time.Time // when a watch was last interrupted
}

// change is an object that has a new version, with what its mounts led to when that was seen.
type change struct {
	object object
	before []string
	mounts []string
}

// NewPropagation makes a Propagation; Run does the work.
func NewPropagation(c *Client, log *slog.Logger) *Propagation {
	return &Propagation{
		client: c, log: log, mountPoints: ownMountPoints, changes: make(chan change), warned: map[string]bool{},
		repeat: repeatAfter, gap: patchGap, forbidden: forbiddenFor,
	}
}

// Run watches until ctx ends.
func (p *Propagation) Run(ctx context.Context) {
	objects, old, ok := p.learn(ctx)
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
		wg.Go(func() { p.follow(ctx, o, mounts, old) })
	}
	p.patches(ctx)
	wg.Wait()
}

// learn finds out what to watch; old says that the pod has been there for longer than its
// containers take to start, so that something may have changed while nobody watched.
func (p *Propagation) learn(ctx context.Context) (objects map[object][]string, old, ok bool) {
	wait, refused := slowly(), refusal{}
	for {
		own, err := p.client.ownPod(ctx)
		if err == nil {
			var points []string
			if points, err = p.mountPoints(); err == nil {
				objects, err = own.objects(points)
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, false, false
		case err == nil && len(objects) == 0:
			p.log.Warn("fast propagation has nothing to watch: no ConfigMap or Secret is mounted here as a directory")
			return nil, false, false
		case err == nil:
			return objects, time.Since(own.Metadata.CreationTimestamp) > time.Minute, true
		}
		refused.note(err)
		p.failed(err, "get", "pods", refused.since)
		if !sleep(ctx, wait.NextBackOff()) {
			return nil, false, false
		}
	}
}

// follow watches one object for as long as ctx lasts.
func (p *Propagation) follow(ctx context.Context, o object, mounts []string, old bool) {
	last := ""
	wait, refused := slowly(), refusal{}
	for {
		err := p.client.watch(ctx, o, func(version string) {
			wait.Reset()
			refused.note(nil)
			if version == last {
				return
			}
			first := last == ""
			last = version
			if first && !old {
				return
			}
			p.log.Debug("object has a new version", "object", o.String())
			select {
			case p.changes <- change{object: o, before: targets(mounts), mounts: mounts}:
			case <-ctx.Done():
			}
		})
		if ctx.Err() != nil {
			return
		}
		delay := time.Duration(0)
		if !errors.Is(err, errWatchEnded) {
			refused.note(err)
			p.failed(err, "watch", o.String(), refused.since)
			p.mu.Lock()
			p.disturbed = time.Now()
			p.mu.Unlock()
			delay = wait.NextBackOff()
		}
		if !sleep(ctx, max(delay, 50*time.Millisecond)) {
			return
		}
	}
}

// patches makes the kubelet look: at once for each change, and once more for mounts that have
// not changed repeatAfter later. Then it is left to the kubelet: the change may be one that
// does not show in the files.
func (p *Propagation) patches(ctx context.Context) {
	var pending []change
	repeats := 0
	repeat := time.NewTimer(0)
	<-repeat.C
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-p.changes:
			pending, repeats = p.drain(append(pending, c)), 0
			p.patch(ctx)
			repeat.Reset(p.repeat)
		case <-repeat.C:
			pending = slices.DeleteFunc(pending, func(c change) bool { return !unchanged(c.before, targets(c.mounts)) })
			if len(pending) == 0 {
				continue
			}
			p.patch(ctx)
			if repeats++; repeats < maxRepeats && p.isDisturbed() {
				repeat.Reset(p.repeat << repeats)
			} else {
				pending = nil
			}
		}
		if !sleep(ctx, p.gap) {
			return
		}
	}
}

func (p *Propagation) isDisturbed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.disturbed) < disturbedFor
}

// drain adds the changes that are waiting: one patch serves them all.
func (p *Propagation) drain(pending []change) []change {
	for {
		select {
		case c := <-p.changes:
			pending = append(pending, c)
		default:
			return pending
		}
	}
}

// patch changes the annotation; a lost or refused one is tried again for a while.
func (p *Propagation) patch(ctx context.Context) {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{Annotation: time.Now().UTC().Format(time.RFC3339Nano)},
	}})
	if err != nil {
		p.log.Error("fast propagation", "err", err)
		return
	}
	retry := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(2*time.Second), backoff.WithMaxElapsedTime(p.forbidden))
	begin := time.Now()
	err = backoff.Retry(func() error {
		err := p.client.call(ctx, request{
			method: http.MethodPatch, path: "pods/" + url.PathEscape(p.client.pod),
			contentType: "application/merge-patch+json", body: body,
		}, nil)
		if hopeless(err) {
			return backoff.Permanent(err)
		}
		return err
	}, backoff.WithContext(retry, ctx))
	if err != nil && ctx.Err() == nil {
		// All tries have failed, so that a refusal is one for good.
		p.failed(fmt.Errorf("patch pod %s/%s: %w", p.client.namespace, p.client.pod, err), "patch", "pods", begin.Add(-p.forbidden))
	}
}

// hopeless says that another try cannot end otherwise.
func hopeless(err error) bool {
	switch code := status(err); code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return false // tokens are rotated, and a server that has just started knows neither accounts nor Roles
	default:
		return code >= 400 && code < 500
	}
}

// refusal knows since when every answer is a 403.
type refusal struct{ since time.Time }

func (r *refusal) note(err error) {
	switch {
	case status(err) != http.StatusForbidden:
		r.since = time.Time{}
	case r.since.IsZero():
		r.since = time.Now()
	}
}

// failed tells a missing permission once, for only the user can help, and everything else to
// those who look closely: it heals by itself. since is when the refusal began.
func (p *Propagation) failed(err error, verb, resource string, since time.Time) {
	missing := permission(err, verb, resource)
	if missing == "" || time.Since(since) < p.forbidden {
		p.log.Debug("fast propagation: falling back to the kubelet's pace for now", "err", err)
		return
	}
	p.mu.Lock()
	told := p.warned[missing]
	p.warned[missing] = true
	p.mu.Unlock()
	if !told {
		p.log.Error("fast propagation does not work: changes arrive at the kubelet's pace", "err", err, "hint", missing)
	}
}

func slowly() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(200*time.Millisecond),
		backoff.WithMaxInterval(maxPause), backoff.WithMaxElapsedTime(0))
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// targets are what the ..data links of the mounts lead to.
func targets(mounts []string) []string {
	list := make([]string, len(mounts))
	for i, m := range mounts {
		list[i], _ = os.Readlink(filepath.Join(m, "..data")) // no link: nothing that a swap could change
	}
	return list
}

// unchanged says whether some mount still leads to where it led before.
func unchanged(before, after []string) bool {
	for i := range before {
		if before[i] == after[i] {
			return true
		}
	}
	return false
}

package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"reloader/internal/snapshot"
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
	// After an interrupted watch the kubelet, too, has to find its way back to the API. It has a watch
	// of the pods and one for each object, which come back on their own, with pauses from 0.8 s that
	// double up to 30 to 60 s and are forgotten after 2 minutes (client-go's reflector). What is
	// patched before the object's watch is back has no effect. So for as long as disturbedFor the patch is
	// repeated until the mount has changed, after a third of the time that it has waited already, but
	// not less than a quarter of repeatAfter (the kubelet syncs a pod once a second at most) and not more than maxDistance.
	disturbedFor = 2 * time.Minute
	maxDistance  = 10 * time.Second
)

// change is an object's new version, with what its mounts led to when that was seen.
type change struct {
	mounts, before []string
	// first is the version at our start, which the mounts may have already.
	first bool
}

// patches makes the kubelet look: at once for each change, and again for mounts that have not
// changed. Then it is left to the kubelet: the change may be one that does not show in the files.
func (p *Propagation) patches(ctx context.Context) {
	var pending []change
	var left budget
	var last time.Time // change
	repeats := 0
	repeat := time.NewTimer(0)
	<-repeat.C
	served := func() {
		waited := len(pending)
		if pending = slices.DeleteFunc(pending, change.arrived); len(pending) < waited {
			left.worked()
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-p.changes:
			served() // changes right after each other are worth their patches too
			pending, repeats, last = p.drain(append(pending, c)), 0, time.Now()
			if !sleep(ctx, jitter(p.spread)) {
				return
			}
		case <-repeat.C:
			if served(); len(pending) == 0 {
				continue
			}
			repeats++
		}
		if wait := left.take(time.Now()); wait > 0 && !p.disturbedNow() {
			repeats = 0 // whatever comes meanwhile is served by the patch at the end of it
			repeat.Reset(wait)
			continue
		}
		p.patch(ctx)
		pending = slices.DeleteFunc(pending, func(c change) bool { return c.first })
		if d := p.distance(repeats, time.Since(last)); d > 0 && len(pending) > 0 && p.patching.refused() < p.forbidden {
			repeat.Reset(d)
		} else {
			pending = nil
		}
		if !sleep(ctx, p.gap) {
			return
		}
	}
}

// distance is the time to the next patch after so many repetitions; 0 for none.
func (p *Propagation) distance(repeats int, since time.Duration) time.Duration {
	disturbed := p.disturbedNow()
	switch {
	case disturbed && since < disturbedFor:
		d := min(max(since/3, p.repeat/4), maxDistance)
		return d*4/5 + rand.N(d*2/5) // jitter: many pods wait for the same API server
	case !disturbed && repeats == 0:
		return p.repeat
	}
	return 0
}

// disturbedNow says that the kubelet may still be on its way back to the API.
func (p *Propagation) disturbedNow() bool {
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

// patch changes the annotation; a lost or refused one is tried again for a while, but only once
// where the permission is known to be missing.
func (p *Propagation) patch(ctx context.Context) {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{Annotation: time.Now().UTC().Format(time.RFC3339Nano)},
	}})
	if err != nil {
		p.log.Error("fast propagation", "err", err)
		return
	}
	begin := time.Now()
	for {
		err := p.client.call(ctx, request{
			method: http.MethodPatch, path: "pods/" + url.PathEscape(p.client.pod),
			contentType: "application/merge-patch+json", body: body,
		}, nil)
		if ctx.Err() != nil {
			return
		}
		pause := p.patching.note(err)
		if err == nil {
			p.log.Debug("pod is patched")
			p.works("patch", "pods")
			return
		}
		err = fmt.Errorf("patch pod %s/%s: %w", p.client.namespace, p.client.pod, err)
		p.failed(err, "patch", "pods", p.patching.refused())
		if hopeless(err) || p.patching.refused() >= p.forbidden || time.Since(begin) >= p.forbidden {
			return
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// arrived says that every mount leads elsewhere than before.
func (c change) arrived() bool {
	for i, now := range targets(c.mounts) {
		if now == c.before[i] {
			return false
		}
	}
	return true
}

// targets are what the ..data links of the mounts lead to.
func targets(mounts []string) []string {
	list := make([]string, len(mounts))
	for i, m := range mounts {
		list[i], _ = os.Readlink(filepath.Join(m, snapshot.DataLink)) // no link: nothing that a swap could change
	}
	return list
}

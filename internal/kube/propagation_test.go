package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reloader/test/rig"
)

// mountedPod is a pod whose sidecar mounts ConfigMap config and Secret password (projected).
func mountedPod(config, password string) string {
	return fmt.Sprintf(`{"metadata":{"uid":"uid-1"},"spec":{
"containers":[
 {"name":"prometheus","volumeMounts":[{"name":"config","mountPath":%q},{"name":"data","mountPath":"/prometheus"}]},
 {"name":"reloader","volumeMounts":[{"name":"config","mountPath":%q},{"name":"both","mountPath":%q},{"name":"token","mountPath":"/token"},
  {"name":"frozen","mountPath":"/frozen","subPath":"x"}]}],
"volumes":[{"name":"config","configMap":{"name":"prometheus-yml"}},{"name":"frozen","configMap":{"name":"frozen"}},
 {"name":"both","projected":{"sources":[{"secret":{"name":"password"}}]}},
 {"name":"token","projected":{"sources":[{"serviceAccountToken":{"path":"token"}},{"configMap":{"name":"kube-root-ca.crt"}}]}},
 {"name":"data","emptyDir":{}}]}}`, config, config, password)
}

type propagationWorld struct {
	*fakeAPI
	p        *Propagation
	log      *rig.Buffer
	config   string
	password string
	// announced counts calls of Announce.
	announced atomic.Int64
}

// newPropagationWorld runs a Propagation with a fake API and two mounts. One of the two objects exists,
// which causes one patch at the start.
func newPropagationWorld(t *testing.T, prepare ...func(*fakeAPI)) *propagationWorld {
	t.Helper()
	w := &propagationWorld{fakeAPI: newFakeAPI(t), log: &rig.Buffer{}, config: t.TempDir(), password: t.TempDir()}
	w.pod = mountedPod(w.config, w.password)
	w.versions["configmaps/prometheus-yml"] = 1
	for _, f := range prepare {
		f(w.fakeAPI)
	}
	w.swap(t, w.config)
	w.swap(t, w.password)
	w.p = NewPropagation(w.client(), slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	w.p.Announce = func([]string) { w.announced.Add(1) }
	w.p.mountPoints = func() ([]string, error) {
		return []string{"/", w.config, w.password, "/token", "/frozen"}, nil
	}
	w.p.spread, w.p.rewatch = time.Millisecond, 50*time.Millisecond
	w.p.repeat, w.p.gap, w.p.forbidden = 200*time.Millisecond, time.Millisecond, 20*time.Millisecond
	if w.forbidden > 0 {
		w.p.forbidden = w.forbidden
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.p.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return w
}

// swap swaps a mount as the kubelet does.
func (w *propagationWorld) swap(t *testing.T, dir string) {
	t.Helper()
	tmp := filepath.Join(dir, "..data_tmp")
	err := errors.Join(os.Symlink("..generation-"+fmt.Sprint(time.Now().UnixNano()), tmp), os.Rename(tmp, filepath.Join(dir, "..data")))
	if err != nil {
		t.Error(err)
	}
}

// started waits for both watches and the patch at the start.
func (w *propagationWorld) started(t *testing.T) {
	t.Helper()
	rig.Until(t, "two watches", w.watching(2))
	rig.Until(t, "a patch at the start", func() bool { return w.patched() == 1 })
}

// settled waits for this number of patches, and checks for longer than a repetition takes that there are no more.
func (w *propagationWorld) settled(t *testing.T, want int) {
	t.Helper()
	rig.Until(t, fmt.Sprintf("%d patches", want), func() bool { return w.patched() >= want })
	until := time.Now().Add(5 * w.p.repeat)
	for time.Now().Before(until) {
		if n := w.patched(); n != want {
			t.Fatalf("%d patches, want %d\n%s", n, want, w.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// A change causes one patch of reloader's own pod, and no further one once the mount has swapped. Contents of objects are never
// requested.
func TestPatchOnChange(t *testing.T) {
	t.Parallel()
	w := newPropagationWorld(t)
	w.started(t)
	w.mu.Lock()
	w.onPatch = func() { w.swap(t, w.config) } // at once, however slow this machine is
	w.mu.Unlock()
	w.update("configmaps/prometheus-yml")
	w.settled(t, 2)
	if n := w.announced.Load(); n != 1 {
		t.Errorf("announced %d times, want once for the change and not for the version at the start", n)
	}
	var patch struct {
		Metadata struct{ Annotations map[string]string }
	}
	if err := json.Unmarshal([]byte(w.patches[1]), &patch); err != nil {
		t.Fatal(err)
	}
	if at, err := time.Parse(time.RFC3339Nano, patch.Metadata.Annotations[Annotation]); err != nil || time.Since(at) > time.Minute {
		t.Errorf("annotation %v, %v", patch, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.accepts {
		if strings.HasPrefix(a, "watch") && !strings.Contains(a, "PartialObjectMetadata") {
			t.Errorf("asked for contents: %s", a)
		}
	}
	want := map[Call]uint64{{"get", 200}: 1, {"watch", 200}: 2, {"patch", 200}: 2}
	if diff := cmp.Diff(want, w.p.client.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// If a mount does not swap, the patch is repeated once and no more: the change may be one that is not visible
// in the mount. An object that may not be watched does not affect the others.
func TestRepeatOnce(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*fakeAPI){
		"all watched":   func(*fakeAPI) {},
		"one forbidden": func(a *fakeAPI) { a.answers["watch secrets"] = http.StatusForbidden },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPropagationWorld(t, prepare)
			rig.Until(t, "a patch at the start", func() bool { return w.patched() == 1 && w.asked("watch secrets") > 0 })
			w.update("configmaps/prometheus-yml")
			w.settled(t, 3)
		})
	}
}

// After an interrupted watch the kubelet may be behind too, so the patch is repeated until the mount
// has swapped.
func TestRepeatAfterInterruption(t *testing.T) {
	t.Parallel()
	w := newPropagationWorld(t)
	w.started(t)
	w.endWatches("<html>bad gateway</html>\n")
	rig.Until(t, "two watches again", w.watching(2))
	w.update("configmaps/prometheus-yml")
	rig.Until(t, "many patches", func() bool { return w.patched() >= 6 })
	w.swap(t, w.config)
	w.mu.Lock()
	n := len(w.patches)
	w.mu.Unlock()
	rig.Until(t, "the last wait for the mount", func() bool { return time.Since(w.lastPatch()) > 4*w.p.repeat })
	if more := w.patched() - n; more > 1 { // one may have been under way
		t.Errorf("%d more patches after the mount had swapped", more)
	}
}

// The repetitions after an interruption are few for the time that they take, and they end.
func TestDistances(t *testing.T) {
	t.Parallel()
	p := NewPropagation(&Client{}, slog.New(slog.DiscardHandler))
	if d := p.distance(0, 0); d != repeatAfter {
		t.Errorf("first repetition after %s", d)
	}
	if d := p.distance(1, 0); d != 0 {
		t.Errorf("second repetition after %s", d)
	}
	p.interrupted()
	var at []time.Duration
	since := time.Duration(0)
	for d := p.distance(0, 0); d > 0; d = p.distance(len(at), since) {
		if d > maxDistance*6/5 {
			t.Fatalf("distance %s", d)
		}
		since += d
		at = append(at, since)
	}
	if n := len(at); n < 15 || n > 30 || at[2] > repeatAfter || since < disturbedFor || since > disturbedFor+maxDistance*6/5 {
		t.Errorf("%d repetitions: %v", n, at)
	}
}

// At the start the mounts may be behind, because nothing was watched before: one patch is sent, and not repeated.
func TestStart(t *testing.T) {
	t.Parallel()
	newPropagationWorld(t).settled(t, 1)
}

// Without a change, a watch that ends causes no patch.
func TestNoPatchWithoutChange(t *testing.T) {
	t.Parallel()
	w := newPropagationWorld(t)
	w.started(t)
	for range 3 {
		w.endWatches("")
		rig.Until(t, "two watches again", w.watching(2))
	}
	w.settled(t, 1)
}

// An object that is created later, or deleted and created again, is a change. The deletion is none, because the files stay.
func TestObjectCreatedAndDeleted(t *testing.T) {
	t.Parallel()
	w := newPropagationWorld(t)
	w.started(t)
	w.mu.Lock()
	w.onPatch = func() { w.swap(t, w.password) } // so that no patch is repeated, however slow this machine is
	w.mu.Unlock()
	w.update("secrets/password")
	w.settled(t, 2)
	w.remove("secrets/password")
	w.settled(t, 2)
	w.update("secrets/password")
	w.settled(t, 3)
}

// A change between two watches is seen by the next one, whatever ended the first one:
// an expired version, the end of its time, an answer that is not JSON, or an API server that restarted with
// another certificate.
func TestInterruptedWatch(t *testing.T) {
	t.Parallel()
	for name, interrupt := range map[string]func(w *propagationWorld, change func()){
		"gone": func(w *propagationWorld, change func()) {
			w.endWatches(`{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old resource version"}}` + "\n")
			change()
		},
		"ended": func(w *propagationWorld, change func()) {
			w.endWatches("")
			change()
		},
		"not JSON": func(w *propagationWorld, change func()) {
			w.endWatches("<html>bad gateway</html>\n")
			change()
		},
		"restart": func(w *propagationWorld, change func()) {
			w.stop()
			change()
			w.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPropagationWorld(t)
			w.started(t)
			interrupt(w, func() { w.update("configmaps/prometheus-yml") })
			rig.Until(t, "a patch", func() bool { return w.patched() >= 2 })
		})
	}
}

// A rotated token is used at once.
func TestTokenRotation(t *testing.T) {
	t.Parallel()
	w := newPropagationWorld(t)
	w.started(t)
	w.mu.Lock()
	w.token = "token-2"
	w.mu.Unlock()
	w.write("token", "token-2")
	w.update("configmaps/prometheus-yml")
	rig.Until(t, "a patch", func() bool { return w.patched() >= 2 })
}

// A missing permission is logged once, not at each try. Once it is granted, it is used.
func TestForbidden(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{
		"watch configmaps": "may not watch configmaps/prometheus-yml",
		"get pods":         "may not get pods",
		"patch pods":       "may not patch pods",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newPropagationWorld(t, func(a *fakeAPI) { a.answers[what] = http.StatusForbidden })
			rig.Until(t, "a message", func() bool { return strings.Contains(w.log.String(), want) })
			rig.Until(t, "a second try", func() bool {
				w.update("configmaps/prometheus-yml")
				return w.asked(what) > 3
			})
			if n := strings.Count(w.log.String(), want); n != 1 {
				t.Errorf("logged %d times, want once:\n%s", n, w.log)
			}
			w.answer(what, 0)
			rig.Until(t, "a patch", func() bool {
				w.update("configmaps/prometheus-yml")
				return w.patched() > 0
			})
		})
	}
}

// An API server that has just started refuses everything until it knows the Roles. That does not count as a missing
// permission, and is tried again soon.
func TestRefusedAtFirst(t *testing.T) {
	t.Parallel()
	w := newPropagationWorld(t, func(a *fakeAPI) {
		a.answers["watch configmaps"] = http.StatusForbidden
		a.forbidden = time.Minute
	})
	rig.Until(t, "a second try", func() bool { return w.asked("watch configmaps") > 1 })
	w.answer("watch configmaps", 0)
	w.started(t)
	if strings.Contains(w.log.String(), "level=ERROR") {
		t.Errorf("a permission that exists is logged as missing:\n%s", w.log)
	}
}

// Reloader's own container is the one with these mounts. Objects mounted with subPath and the volume with the API's
// token are not watched.
func TestObjects(t *testing.T) {
	t.Parallel()
	var p pod
	if err := json.Unmarshal([]byte(mountedPod("/c", "/p")), &p); err != nil {
		t.Fatal(err)
	}
	got, err := p.objects([]string{"/", "/proc", "/c", "/p", "/token", "/frozen"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[object][]string{{"configmaps", "prometheus-yml"}: {"/c"}, {"secrets", "password"}: {"/p"}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(object{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := p.objects([]string{"/", "/elsewhere"}); err == nil {
		t.Error("found a container, although none has these mounts")
	}
}

// Outside of a pod the error says so. In a pod without a service account it says that this is missing.
func TestInPod(t *testing.T) {
	t.Parallel()
	_, err := InPod(func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "in a pod only") {
		t.Errorf("got %v", err)
	}
	env := map[string]string{"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443", "POD_NAMESPACE": "a", "POD_NAME": "b"}
	c, err := InPod(func(k string) string { return env[k] })
	if err != nil || c.base != "https://[fd00::1]:443" || c.namespace != "a" || c.pod != "b" {
		t.Errorf("%+v, %v", c, err)
	}
	c = &Client{dir: t.TempDir()}
	if err := c.complete(); err == nil || !strings.Contains(err.Error(), "no service account is mounted") {
		t.Errorf("got %v", err)
	}
}

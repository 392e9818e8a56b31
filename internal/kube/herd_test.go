package kube

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reloader/internal/confine"
)

// herd is an API server in memory. Many pods follow the same ConfigMap there, each with its own sidecar.
type herd struct {
	t    *testing.T
	pods int

	mu       sync.Mutex
	watches  map[string]*io.PipeWriter
	watched  map[string]time.Time // when each pod's newest watch began
	lengths  []time.Duration      // of the watches, as asked for
	patches  map[string][]time.Time
	busyOnce map[string]bool // pods whose next patch is answered with 429
}

const retryHerd = 4 * time.Second

func (h *herd) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(code int, body io.ReadCloser) (*http.Response, error) {
		return &http.Response{StatusCode: code, Header: http.Header{"Retry-After": {strconv.Itoa(int(retryHerd / time.Second))}}, Body: body, Request: r}, nil
	}
	text := func(code int, body string) (*http.Response, error) {
		return answer(code, io.NopCloser(strings.NewReader(body)))
	}
	name := r.Header.Get("Authorization") // the token is the pod's name
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case r.URL.Query().Has("watch"):
		seconds, _ := strconv.Atoi(r.URL.Query().Get("timeoutSeconds"))
		h.lengths = append(h.lengths, time.Duration(seconds)*time.Second)
		out, in := io.Pipe()
		context.AfterFunc(r.Context(), func() { _ = in.CloseWithError(context.Canceled) })
		h.watches[name], h.watched[name] = in, time.Now()
		return answer(http.StatusOK, out)
	case r.Method == http.MethodPatch:
		h.patches[name] = append(h.patches[name], time.Now())
		if h.busyOnce[name] {
			delete(h.busyOnce, name)
			return text(http.StatusTooManyRequests, "{}")
		}
		return text(http.StatusOK, "{}")
	default:
		return text(http.StatusOK, `{"metadata":{"uid":"u"},"spec":{"containers":[{"name":"reloader","volumeMounts":[{"name":"c","mountPath":"/config"}]}],
"volumes":[{"name":"c","configMap":{"name":"prometheus-yml"}}]}}`)
	}
}

// start starts all sidecars at the same moment.
func (h *herd) start(ctx context.Context, wg *sync.WaitGroup) {
	for i := range h.pods {
		dir := h.t.TempDir()
		for file, text := range map[string]string{"token": fmt.Sprint("pod-", i), "ca.crt": "", "namespace": "monitoring"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				h.t.Fatal(err)
			}
		}
		c := &Client{base: "https://api", dir: dir, pod: fmt.Sprint("pod-", i), uid: "u", http: &http.Client{Transport: h}}
		if err := c.complete(); err != nil {
			h.t.Fatal(err)
		}
		p := NewPropagation(c, slog.New(slog.DiscardHandler))
		p.mountPoints = func() ([]string, error) { return []string{"/", "/config"}, nil }
		wg.Go(func() { p.Run(ctx) })
	}
}

// change gives the object a new version and sends it to all pods at once.
func (h *herd) change(version int) time.Time {
	h.mu.Lock()
	watches := make([]*io.PipeWriter, 0, h.pods)
	for _, w := range h.watches {
		watches = append(watches, w)
	}
	h.mu.Unlock()
	for _, w := range watches {
		if _, err := io.WriteString(w, line("MODIFIED", version)); err != nil {
			h.t.Error(err)
		}
	}
	return time.Now()
}

// spread checks that something happened once for each pod, between two times, and in each tenth of the interval.
func (h *herd) spread(what string, list []time.Duration, from, to time.Duration) {
	h.t.Helper()
	if len(list) != h.pods {
		h.t.Fatalf("%s: %d pods, want %d", what, len(list), h.pods)
	}
	var tenths [10]int
	for _, d := range list {
		if d < from || d >= to {
			h.t.Errorf("%s: after %s, want it between %s and %s", what, d, from, to)
			continue
		}
		tenths[int((d-from)*10/(to-from))]++
	}
	for i, n := range tenths {
		if n == 0 || n > h.pods/3 {
			h.t.Errorf("%s: %d of %d pods in tenth %d of the time from %s to %s: %v", what, n, h.pods, i+1, from, to, tenths)
		}
	}
}

// nth returns how long after a moment each pod sent its nth patch.
func (h *herd) nth(n int, after time.Time) (list []time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, times := range h.patches {
		skip := n
		for _, at := range times {
			if at.Before(after) {
				continue
			}
			if skip--; skip == 0 {
				list = append(list, at.Sub(after))
			}
		}
	}
	return list
}

// Many pods follow one object. Requests that all of them would send at the same moment are spread over time: the patch after a
// change, the new watch after the API has ended all watches, and the next try after a 429 to all. The lengths of watches differ too.
// A promcheck that was started at the change is still waiting when the kubelet has written the files after the second patch.
func TestManyPodsAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &herd{
			t: t, pods: 300, watches: map[string]*io.PipeWriter{}, watched: map[string]time.Time{}, patches: map[string][]time.Time{}, busyOnce: map[string]bool{},
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		h.start(ctx, &wg)
		time.Sleep(10 * time.Minute)
		h.mu.Lock()
		lengths := h.lengths
		h.mu.Unlock()
		h.spread("length of a watch", lengths, watchSeconds*time.Second, 2*watchSeconds*time.Second)

		changed := h.change(2)
		time.Sleep(10 * time.Minute)
		h.spread("first patch after a change", h.nth(1, changed), 0, patchJitter)
		changed = h.change(3)
		time.Sleep(time.Minute)
		const kubelet = time.Second // the longest of 272 patches on a real one took 0.99 s
		if latest := slices.Max(h.nth(2, changed)); latest < repeatAfter || latest+kubelet > confine.IdleFor {
			t.Errorf("the second patch is sent %s after the change, and promcheck waits for %s", latest, confine.IdleFor)
		}

		ended := time.Now()
		h.mu.Lock()
		for _, w := range h.watches {
			_ = w.Close()
		}
		h.mu.Unlock()
		time.Sleep(time.Minute)
		var back []time.Duration
		h.mu.Lock()
		for name, at := range h.watched {
			back = append(back, at.Sub(ended))
			h.busyOnce[name] = true
		}
		h.mu.Unlock()
		h.spread("return after the end of all watches", back, rewatchPause, 2*rewatchPause)

		changed = h.change(4)
		time.Sleep(10 * time.Minute)
		h.spread("first try after another change", h.nth(1, changed), 0, patchJitter)
		var pauses []time.Duration
		h.mu.Lock()
		for _, times := range h.patches {
			for i, at := range times {
				if !at.Before(changed) {
					pauses = append(pauses, times[i+1].Sub(at))
					break
				}
			}
		}
		h.mu.Unlock()
		h.spread("next try after 429", pauses, retryHerd, 2*retryHerd)
	})
}

// Two processes draw different random pauses. With the same seed in all pods nothing would be spread.
func TestProcessesDrawDifferently(t *testing.T) {
	const drawing = "RELOADER_TEST_DRAWING"
	if os.Getenv(drawing) != "" {
		fmt.Println("drawn", jitter(time.Hour), jitter(time.Hour))
		return
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 4 {
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestProcessesDrawDifferently$")
		cmd.Env = append(os.Environ(), drawing+"=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		first, _, _ := strings.Cut(string(out), "\n")
		if !strings.HasPrefix(first, "drawn ") || seen[first] {
			t.Errorf("%q after %v", first, seen)
		}
		seen[first] = true
	}
}

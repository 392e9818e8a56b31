package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/internal/status"
	"reloader/test/rig"
)

// lieLimit is how long the status may say that the server runs files which it does not run. A reload by someone else
// is seen at the next look; a status that is wrong for longer is a lie.
const lieLimit = 3*poll + 2*time.Second

// oracle watches reloader and the server during the operations, and keeps the first fault.
type oracle struct {
	w      *world
	limit  time.Duration
	lie    time.Time // since when the status has been wrong
	claim  string
	broken string
}

// run looks until ctx ends.
func (o *oracle) run(ctx context.Context) {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			o.look(ctx)
		}
	}
}

func (o *oracle) fail(format string, args ...any) {
	if o.broken == "" {
		o.broken = fmt.Sprintf(format, args...)
	}
}

// look compares one status with one answer of the server.
func (o *oracle) look(ctx context.Context) {
	if o.w.net.overlap.Load() {
		o.fail("two reloads were in flight at the same time")
	}
	o.gate()
	s, err := statusOf(ctx, o.w.reloader.URL)
	if err != nil || s.Phase != reload.InSync {
		o.lie = time.Time{}
		return
	}
	if s.Running != s.Wanted {
		o.fail("the status says InSync, and that the server runs %s while %s is wanted", s.Running.Short(), s.Wanted.Short())
	}
	if o.w.impossible(s) {
		o.fail("the status says InSync, with files that the server refuses: %v", s.Sources)
	}
	claimed := o.w.claims(s)
	said, err := o.w.serverSays()
	if err != nil || claimed == "" || said == claimed {
		o.lie = time.Time{}
		return
	}
	// A server that hangs answers late, so the status must still say the same then.
	if after, err := statusOf(ctx, o.w.reloader.URL); err != nil || after.Phase != reload.InSync || o.w.claims(after) != claimed {
		o.lie = time.Time{}
		return
	}
	// It is a lie only if the claim stays the same while the server says something else.
	if claim := claimed + " but " + said; o.lie.IsZero() || o.claim != claim {
		o.lie, o.claim = time.Now(), claim
		return
	}
	if since := time.Since(o.lie); since > o.limit {
		o.fail("for %s the status has said that the server runs %q, but the server says itself that it runs %q", since.Round(time.Second), claimed, said)
	}
}

// gate looks for invalid contents where the server reads. There must be none at any moment.
func (o *oracle) gate() {
	if !o.w.gated {
		return
	}
	for _, name := range []string{"prometheus.yml", "a.rules.yml", "more/more.yml"} {
		b, err := os.ReadFile(filepath.Join(o.w.gate, name))
		if err != nil {
			continue // not yet, or its generation has just been replaced
		}
		if text := string(b); text == "" || strings.Contains(text, "intervall") || strings.Contains(text, "sum(\n") || strings.Contains(text, "\x00") || strings.Contains(text, "{},") {
			o.fail("the gate shows an invalid %s: %q", name, text)
		}
	}
}

func statusOf(ctx context.Context, url string) (reload.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/status", nil)
	if err != nil {
		return reload.Status{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reload.Status{}, err
	}
	defer resp.Body.Close()
	var r status.Report
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil || len(r.Targets) != 1 {
		return reload.Status{}, fmt.Errorf("%d targets: %w", len(r.Targets), err)
	}
	return r.Targets[0], nil
}

// calmed ends a phase: all faults end, a good change is made, and the server must run it without help.
func (w *world) calmed(n int) error {
	faults := w.active()
	paced := time.Now()
	w.swapRules(n)
	w.heal()
	w.swap(n)
	began := time.Now()
	want := says(n, n)
	// A change ends every pause between tries. What is left: a verdict that hangs (given up after 5 s for newer files),
	// a request without an answer (5 s), the pause between two looks at a server that is not ready (5 s, and a fifth of
	// it at random), and the start of the server. A slow machine gets more time, measured by the two swaps above: they take 30 ms on
	// an idle one.
	limit := min(20*time.Second+100*began.Sub(paced), rig.Patience).Round(time.Second)
	var last string
	for time.Since(began) < limit {
		said, err := w.serverSays()
		s, err2 := statusOf(w.tb.Context(), w.reloader.URL)
		if err == nil && err2 == nil && s.Phase == reload.InSync && s.Running == s.Wanted && w.claims(s) == want && said == want {
			recovered(w.mode(), faults, time.Since(began))
			if err := w.rests(); err != nil {
				return err
			}
			return bounded(w.tb, w.reloader.URL)
		}
		last = fmt.Sprintf("phase %s, reason %q, running %s, wanted %s, %v; the server says %q, %v", s.Phase, s.Reason, s.Running.Short(), s.Wanted.Short(), err2, said, err)
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("%s after the last fault ended (%s) the server does not run the newest files (%s): %s", limit, strings.Join(faults, ", "), want, last)
}

// rests checks that a server in sync is left alone: a swap to the same contents, a reread on request and a poll cause no
// reload.
func (w *world) rests() error {
	before := w.net.posts.Load()
	w.again()
	_ = syscall.Kill(w.reloader.PID(), syscall.SIGHUP)
	time.Sleep(poll + poll/2)
	if n := w.net.posts.Load() - before; n != 0 {
		return fmt.Errorf("%d reloads without a change or a doubt", n)
	}
	return nil
}

func (w *world) mode() string {
	if w.gated {
		return "gated"
	}
	return "direct"
}

// limits of what reloader may use while nothing happens.
var limits = map[string]float64{"go_goroutines": 80, "process_open_fds": 100, "process_resident_memory_bytes": 96 << 20, "reloader_watches": 30}

func bounded(tb testing.TB, url string) error {
	body, err := rig.Get(tb, url+"/metrics")
	if err != nil {
		return err
	}
	for name, limit := range limits {
		m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(body)
		if m == nil {
			return fmt.Errorf("no metric %s", name)
		}
		if v, err := strconv.ParseFloat(m[1], 64); err != nil || v > limit {
			return fmt.Errorf("%s is %s, want at most %g", name, m[1], limit)
		}
	}
	return nil
}

func newProxy(tb testing.TB, h http.Handler) string {
	srv := httptest.NewServer(h)
	tb.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv.URL
}

func (w *world) watch(ctx context.Context) string {
	o := &oracle{w: w, limit: lieLimit}
	o.run(ctx)
	return o.broken
}

func (w *world) end() error {
	if w.reloader.Running() {
		if code := w.reloader.Stop(); code != 0 {
			return fmt.Errorf("reloader ended with exit code %d", code)
		}
	}
	n := w.server.stop()
	if w.server.raced > 0 {
		w.tb.Logf("%d starts failed because a publication removed a rule file between its listing and its opening", w.server.raced)
	}
	if w.gated && n > 0 {
		return fmt.Errorf("the server failed to start on the files in the gate, %d times:\n%s", n, w.server.output.String())
	}
	return nil
}

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// patience is how long anything may take that does not wait for the kubelet. It is long, because most
// tests run at the same time, perhaps on two cores.
const patience = 2 * time.Minute

// slowPatience is longer than the kubelet takes to bring a change without help.
const slowPatience = 4 * time.Minute

func TestMain(m *testing.M) {
	if os.Getenv("E2E_KUBE") == "" {
		fmt.Println("skipped: these tests need a cluster; run make e2e")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// world is a test's own namespace.
type world struct {
	*testing.T
	*api
	ns string
}

func newWorld(t *testing.T, labels ...string) *world {
	t.Helper()
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name()), "-")
	w := &world{t, newAPI(t), fmt.Sprintf("%s-%d", strings.ToLower(name), time.Now().UnixNano()%1e6)}
	w.kubectl("", "create", "namespace", w.ns)
	for _, l := range labels {
		w.kubectl("", "label", "namespace", w.ns, l)
	}
	t.Cleanup(func() {
		if t.Failed() {
			w.explain()
		}
		out, err := w.try(context.Background(), "", "delete", "namespace", w.ns, "--wait=false")
		if err != nil {
			t.Logf("delete namespace: %v: %s", err, out)
		}
	})
	w.until("a service account", func() bool {
		return w.read(t.Context(), "/api/v1/namespaces/"+w.ns+"/serviceaccounts/default", nil) == nil
	})
	return w
}

// within is the same world for a subtest.
func (w *world) within(t *testing.T) *world { return &world{t, w.api, w.ns} }

// explain prints what a user would look at first.
func (w *world) explain() {
	for _, args := range [][]string{
		{"get", "pods", "-o", "wide"}, {"get", "events"}, {"describe", "pods"},
		{"logs", "-l", "app", "-c", "reloader", "--tail=40"}, {"logs", "-l", "app", "-c", "prometheus", "--tail=10"},
		{"logs", "-l", "app", "-c", "grafana", "--tail=20"},
	} {
		out, _ := w.try(context.Background(), "", append([]string{"-n", w.ns}, args...)...)
		if len(out) > 6000 {
			out = out[len(out)-6000:]
		}
		w.Logf("kubectl %s:\n%s", strings.Join(args, " "), out)
	}
}

// until polls until ok is true. After patience the test ends.
func (w *world) until(what string, ok func() bool) {
	w.Helper()
	w.untilIn(patience, what, ok)
}

func (w *world) untilIn(d time.Duration, what string, ok func() bool) {
	w.Helper()
	deadline := time.Now().Add(d)
	for !ok() {
		if time.Now().After(deadline) {
			w.Fatalf("not within %s: %s", d, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

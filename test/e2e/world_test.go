//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long anything may take that does not wait for the kubelet's own pace.
const patience = 60 * time.Second

// slowPatience is longer than the kubelet takes to bring a change by itself.
const slowPatience = 150 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv("E2E_KUBE") == "" {
		fmt.Println("skipped: these tests need a cluster; run make e2e")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// world is a namespace of its own.
type world struct {
	*testing.T
	ns string
}

func newWorld(t *testing.T, labels ...string) *world {
	t.Helper()
	w := &world{t, strings.ToLower(strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name()), "-")) + fmt.Sprintf("-%d", time.Now().UnixNano()%1e6)}
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
		_, err := w.try(t.Context(), "", "-n", w.ns, "get", "serviceaccount", "default")
		return err == nil
	})
	return w
}

// explain prints what a user would look at.
func (w *world) explain() {
	for _, args := range [][]string{
		{"get", "pods", "-o", "wide"}, {"get", "events"}, {"describe", "pods"},
		{"logs", "-l", "app", "-c", "reloader", "--tail=40"}, {"logs", "-l", "app", "-c", "prometheus", "--tail=10"},
	} {
		out, _ := w.try(context.Background(), "", append([]string{"-n", w.ns}, args...)...)
		if len(out) > 6000 {
			out = out[len(out)-6000:]
		}
		w.Logf("kubectl %s:\n%s", strings.Join(args, " "), out)
	}
}

// try runs kubectl.
func (w *world) try(ctx context.Context, stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv("E2E_KUBE"), append([]string{"kubectl"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *world) kubectl(stdin string, args ...string) string {
	w.Helper()
	if args[0] != "create" || args[1] != "namespace" {
		args = append([]string{"-n", w.ns}, args...)
	}
	out, err := w.try(w.Context(), stdin, args...)
	if err != nil {
		w.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// replace updates an object as users do: kubectl create --dry-run=client -o yaml | kubectl replace -f -
func (w *world) replace(kind, name string, files map[string]string) {
	w.Helper()
	w.kubectl(w.object(kind, name, files), "replace", "-f", "-")
}

func (w *world) create(kind, name string, files map[string]string) {
	w.Helper()
	w.kubectl(w.object(kind, name, files), "create", "-f", "-")
}

func (w *world) object(kind, name string, files map[string]string) string {
	w.Helper()
	dir := w.TempDir()
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			w.Fatal(err)
		}
	}
	return w.kubectl("", append(append([]string{"create"}, strings.Fields(kind)...), name, "--from-file="+dir, "--dry-run=client", "-o", "yaml")...)
}

func (w *world) until(what string, ok func() bool) {
	w.Helper()
	w.within(patience, what, ok)
}

func (w *world) within(d time.Duration, what string, ok func() bool) {
	w.Helper()
	deadline := time.Now().Add(d)
	for !ok() {
		if time.Now().After(deadline) {
			w.Fatalf("not within %s: %s", d, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// manifest is the user's own, with images that this cluster has.
func manifest(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../internal/inject/testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return localImages(string(b))
}

func localImages(s string) string {
	return strings.NewReplacer("prom/prometheus:latest", "prom/prometheus:e2e", "grafana/grafana:latest", "grafana/grafana:e2e",
		"reloader:latest", "reloader:e2e", "imagePullPolicy: Always", "imagePullPolicy: Never").Replace(s)
}

// inject is the program's own answer, and says that a second time changes nothing.
func inject(t *testing.T, manifest string, flags ...string) string {
	t.Helper()
	run := func(in string) string {
		args := append([]string{"inject", "-f", "-", "--image", "reloader:e2e"}, flags...)
		cmd := exec.CommandContext(t.Context(), os.Getenv("E2E_RELOADER"), args...)
		var out, reasons bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &reasons
		if err := cmd.Run(); err != nil {
			t.Fatalf("reloader inject: %v\n%s", err, &reasons)
		}
		return out.String()
	}
	once := run(manifest)
	if twice := run(once); twice != once {
		t.Errorf("injected twice it differs:\n%s", twice)
	}
	return once
}

// volumes makes the claims of the user's manifest, on directories of this machine.
func (w *world) volumes(names ...string) {
	w.Helper()
	for _, n := range names {
		dir := w.TempDir()
		// The pod's server may have another user.
		if err := os.Chmod(dir, 0o777); err != nil {
			w.Fatal(err)
		}
		w.kubectl(fmt.Sprintf(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: %[1]s-%[2]s}
spec: {capacity: {storage: 20Gi}, accessModes: [ReadWriteOnce], storageClassName: "", hostPath: {path: %[3]s}, claimRef: {namespace: %[2]s, name: %[1]s}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: %[1]s}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 1Gi}}}
`, n, w.ns, dir), "apply", "-f", "-")
		w.Cleanup(func() { _, _ = w.try(context.Background(), "", "delete", "pv", n+"-"+w.ns, "--wait=false") })
	}
}

// pod is one pod with what the tests look at.
type pod struct {
	*world
	Name string
	UID  string
	IP   string
}

// ready waits for the one pod with the label.
func (w *world) ready(label string) *pod {
	w.Helper()
	var p *pod
	w.within(2*patience, "a ready pod "+label, func() bool {
		p = w.podNow(label)
		return p != nil
	})
	return p
}

func (w *world) podNow(label string) *pod {
	w.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name, UID string }
			Status   struct {
				PodIP      string
				Conditions []struct{ Type, Status string }
			}
		}
	}
	w.decode(&list, "get", "pods", "-l", label, "-o", "json")
	for _, it := range list.Items {
		for _, c := range it.Status.Conditions {
			if c.Type == "Ready" && c.Status == "True" {
				return &pod{w, it.Metadata.Name, it.Metadata.UID, it.Status.PodIP}
			}
		}
	}
	return nil
}

func (w *world) decode(into any, args ...string) {
	w.Helper()
	if err := json.Unmarshal([]byte(w.kubectl("", args...)), into); err != nil {
		w.Fatalf("kubectl %v: %v", args, err)
	}
}

// restarts are the containers' restart counts by name.
func (p *pod) restarts() map[string]int {
	p.Helper()
	var got struct {
		Status struct {
			ContainerStatuses, InitContainerStatuses []struct {
				Name         string
				RestartCount int
			}
		}
	}
	p.decode(&got, "get", "pod", p.Name, "-o", "json")
	counts := map[string]int{}
	for _, c := range append(got.Status.ContainerStatuses, got.Status.InitContainerStatuses...) {
		counts[c.Name] = c.RestartCount
	}
	return counts
}

func (p *pod) noRestarts() {
	p.Helper()
	for name, n := range p.restarts() {
		if n != 0 {
			p.Errorf("container %s was restarted %d times", name, n)
		}
	}
}

// get asks a server in the pod; empty when it does not answer.
func (p *pod) get(port int, path string) string {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d%s", p.IP, port, path), nil)
	if err != nil {
		p.Fatal(err)
	}
	req.SetBasicAuth("admin", password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return ""
	}
	return string(b)
}

// running is the configuration that Prometheus says it runs.
func (p *pod) running() string { return p.get(9090, "/api/v1/status/config") }

func (p *pod) metric(line string) bool {
	return strings.Contains("\n"+p.get(9533, "/metrics"), "\n"+line+"\n")
}

func (p *pod) logs() string { return p.kubectl("", "logs", p.Name, "-c", "reloader") }

// kill ends a container's main process with SIGKILL, as the kernel does when memory is short.
func (p *pod) kill(program string) {
	p.Helper()
	killed := 0
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		p.Fatal(err)
	}
	for _, dir := range dirs {
		group, err := os.ReadFile(filepath.Join(dir, "cgroup"))
		if err != nil || !bytes.Contains(group, []byte(p.UID)) {
			continue
		}
		exe, err := os.Readlink(filepath.Join(dir, "exe"))
		if err != nil || filepath.Base(exe) != program {
			continue
		}
		var pid int
		if _, err := fmt.Sscan(filepath.Base(dir), &pid); err != nil {
			p.Fatal(err)
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			p.Fatal(err)
		}
		if err := process.Kill(); err != nil {
			p.Fatal(err)
		}
		killed++
	}
	if killed != 1 {
		p.Fatalf("killed %d processes %s, want 1", killed, program)
	}
}

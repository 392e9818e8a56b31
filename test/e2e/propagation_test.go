//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// follower is a pod with Prometheus and the sidecar, nothing else.
const follower = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: prometheus
        image: prom/prometheus:e2e
        args: [--config.file=/etc/prometheus/prometheus.yml, --storage.tsdb.path=/prometheus]
        readinessProbe: {httpGet: {path: /-/ready, port: 9090}, periodSeconds: 1}
        volumeMounts:
        - {name: config, mountPath: /etc/prometheus/prometheus.yml, subPath: prometheus.yml}
        - {name: data, mountPath: /prometheus}
      volumes:
      - {name: config, configMap: {name: %[1]s}}
      - {name: data, emptyDir: {}}
`

func (w *world) follower(name string, flags ...string) *pod {
	w.Helper()
	w.create("configmap", name, prometheusYML("first"))
	w.kubectl(inject(w.T, fmt.Sprintf(follower, name), flags...), "apply", "--server-side", "-f", "-")
	p := w.ready("app=" + name)
	w.until("in sync", func() bool { return p.metric(`reloader_last_reload_successful{target="prometheus"} 1`) })
	return p
}

// api puts the ConfigMap straight to the API server, so that the clock starts with its answer and
// not with the end of kubectl.
type api struct {
	client *http.Client
	token  string
}

func newAPI(t *testing.T) *api {
	t.Helper()
	home := os.Getenv("KUBE_HOME")
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(home, "pki", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(read("ca.crt"))
	return &api{&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}, strings.TrimSpace(string(read("admin.token")))}
}

func (a *api) put(ctx context.Context, ns, name string, data map[string]string) error {
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]string{"name": name}, "data": data})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "https://10.96.0.1/api/v1/namespaces/"+ns+"/configmaps/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, b)
	}
	return err
}

// sample updates the ConfigMap and returns how long it takes from the API's answer to the
// configuration that Prometheus says it runs.
func (a *api) sample(p *pod, name string, within time.Duration) time.Duration {
	p.Helper()
	job := "sample" + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := a.put(p.Context(), p.ns, name, prometheusYML(job)); err != nil {
		p.Fatal(err)
	}
	answered := time.Now()
	for !strings.Contains(p.running(), job) {
		if time.Since(answered) > within {
			p.Fatalf("not live within %s", within)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(answered)
}

func report(t *testing.T, what string, d []time.Duration) (median time.Duration) {
	t.Helper()
	slices.Sort(d)
	median = d[len(d)/2]
	t.Logf("%s, from the API's answer to the running configuration: n=%d min=%s median=%s max=%s", what, len(d),
		d[0].Round(time.Millisecond), median.Round(time.Millisecond), d[len(d)-1].Round(time.Millisecond))
	return median
}

func count(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

// With fast propagation a change does not wait for the kubelet, whose own pace has a median of
// about 50 s; not even when the API server was away in between.
func TestFastPropagation(t *testing.T) {
	w, a := newWorld(t), newAPI(t)
	p := w.follower("fast", "--fast-propagation")
	var times []time.Duration
	for range count("E2E_FAST_SAMPLES", 20) {
		time.Sleep(rand.N(2 * time.Second)) // a change comes at any moment of the kubelet's cycle
		times = append(times, a.sample(p, "fast", slowPatience))
	}
	if median := report(t, "with fast propagation", times); median > 10*time.Second {
		t.Errorf("median %s: that is the kubelet's own pace", median)
	}

	for _, args := range [][]string{{"stop", "kube-apiserver"}, {"up"}} {
		if out, err := exec.CommandContext(t.Context(), os.Getenv("E2E_KUBE"), args...).CombinedOutput(); err != nil {
			t.Fatalf("kube %v: %v\n%s", args, err, out)
		}
	}
	if d := a.sample(p, "fast", slowPatience); d > 35*time.Second {
		t.Errorf("after a restart of the API server: %s", d)
	} else {
		t.Logf("after a restart of the API server: %s", d.Round(time.Millisecond))
	}
	p.noRestarts()
}

// Without fast propagation, and without any permission, a change arrives at the kubelet's own pace.
// E2E_SLOW_SAMPLES sets the number for each of four pods.
func TestPropagationByItself(t *testing.T) {
	t.Parallel()
	w, a := newWorld(t), newAPI(t)
	var mu sync.Mutex
	var times []time.Duration
	t.Run("pods", func(t *testing.T) {
		for i := range 4 {
			name := fmt.Sprintf("slow%d", i)
			p := w.follower(name)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for range count("E2E_SLOW_SAMPLES", 1) {
					time.Sleep(rand.N(30 * time.Second))
					d := a.sample(&pod{&world{t, w.ns}, p.Name, p.UID, p.IP}, name, slowPatience)
					mu.Lock()
					times = append(times, d)
					mu.Unlock()
				}
			})
		}
	})
	if len(times) == 0 {
		t.Fatal("no sample")
	}
	report(t, "without fast propagation", times)
}

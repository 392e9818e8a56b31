//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// follower is a pod with only Prometheus, to which the sidecar is added.
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

// follower deploys it and waits until it is in sync.
func (w *world) follower(name string, flags ...string) *pod {
	w.Helper()
	w.create("configmap", name, prometheusYML("first"))
	w.kubectl(inject(w.T, fmt.Sprintf(follower, name), flags...), "apply", "--server-side", "-f", "-")
	p := w.ready("app=" + name)
	p.inSync("prometheus")
	return p
}

// sample updates the ConfigMap and returns the time from the API's answer until Prometheus says that
// it runs the change. It calls meanwhile again and again until then.
func (p *pod) sample(configMap string, meanwhile ...func()) time.Duration {
	p.Helper()
	job := "sample" + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := p.putConfigMap(p.Context(), p.ns, configMap, prometheusYML(job)); err != nil {
		p.Fatal(err)
	}
	answered := time.Now()
	for !strings.Contains(p.running(), job) {
		if time.Since(answered) > slowPatience {
			p.Fatalf("not live within %s", slowPatience)
		}
		for _, f := range meanwhile {
			f()
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(answered)
}

// refreshed is when the sidecar last patched its pod.
func (p *pod) refreshed() time.Time {
	p.Helper()
	var got struct {
		Metadata struct{ Annotations map[string]string }
	}
	if err := p.read(p.Context(), "/api/v1/namespaces/"+p.ns+"/pods/"+p.Name, &got); err != nil {
		p.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339Nano, got.Metadata.Annotations["reloader/refresh"])
	if err != nil {
		p.Fatal(err)
	}
	return at
}

// fastSample is sample. If it takes longer than fast propagation should, it prints the sidecar's log.
func (p *pod) fastSample(configMap string, meanwhile ...func()) time.Duration {
	p.Helper()
	d := p.sample(configMap, meanwhile...)
	if d > 2*time.Second {
		p.Logf("a sample of %s, until %s; the sidecar's log:\n%s", d.Round(time.Millisecond), time.Now().UTC().Format("15:04:05.000"),
			p.kubectl("", "logs", p.Name, "-c", "reloader", "--tail=30"))
	}
	return d
}

// report prints a summary of samples and returns their median.
func report(t *testing.T, what string, d []time.Duration) (median time.Duration) {
	t.Helper()
	slices.Sort(d)
	median = d[len(d)/2]
	t.Logf("%s, from the API's answer to the running configuration: n=%d min=%s median=%s max=%s", what, len(d),
		d[0].Round(time.Millisecond), median.Round(time.Millisecond), d[len(d)-1].Round(time.Millisecond))
	return median
}

// count is the number in a variable, or a default.
func count(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

// With fast propagation a change does not wait for the kubelet, which takes about 50 s in the median.
// This is also true after a restart of the API server. It is the only test that is not parallel: go test
// runs it before all others, so that they do not slow its samples or lose the API server.
func TestFastPropagation(t *testing.T) {
	w := newWorld(t)
	p := w.follower("fast", "--fast-propagation")
	var times []time.Duration
	for range count("E2E_FAST_SAMPLES", 20) {
		time.Sleep(rand.N(2 * time.Second)) // so that changes come at any moment of the kubelet's cycle
		times = append(times, p.fastSample("fast"))
	}
	if median := report(t, "with fast propagation", times); median > 10*time.Second {
		t.Errorf("median %s: changes wait for the kubelet", median)
	}

	for _, args := range [][]string{{"stop", "kube-apiserver"}, {"up"}} {
		if out, err := exec.CommandContext(t.Context(), os.Getenv("E2E_KUBE"), args...).CombinedOutput(); err != nil {
			t.Fatalf("kube %v: %v\n%s", args, err, out)
		}
	}
	// The sidecar continues at once. The rest of the time is that of the kubelet until its watches are
	// restored (docs/fast-propagation.md).
	begin, before := time.Now(), p.refreshed()
	var patched time.Duration
	live := p.fastSample("fast", func() {
		if at := p.refreshed(); patched == 0 && at.After(before) {
			patched = at.Sub(begin)
		}
	})
	if at := p.refreshed(); patched == 0 && at.After(before) { // since the last call
		patched = at.Sub(begin)
	}
	t.Logf("after a restart of the API server: pod patched after %s, live after %s", patched.Round(time.Millisecond), live.Round(time.Millisecond))
	if patched == 0 {
		t.Error("after a restart of the API server the change was live without the sidecar: its pod was not patched")
	}
	p.noRestarts()
}

// slowPods are measured side by side, because each sample of a pod takes a whole cycle of the kubelet.
const slowPods = 10

// Without fast propagation, and without any permission, a change arrives when the kubelet brings it.
// E2E_SLOW_SAMPLES is the number of samples for each pod.
func TestPropagationByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	perPod := count("E2E_SLOW_SAMPLES", 2)
	samples := make(chan time.Duration, slowPods*perPod)
	t.Run("pods", func(t *testing.T) {
		for i := range slowPods {
			name := fmt.Sprintf("slow%d", i)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := w.within(t).follower(name)
				for range perPod {
					time.Sleep(rand.N(time.Minute)) // so that changes come at any moment of the kubelet's cycle
					samples <- p.sample(name)
				}
			})
		}
	})
	close(samples)
	var times []time.Duration
	for d := range samples {
		times = append(times, d)
	}
	if len(times) != cap(samples) {
		t.Fatalf("%d samples, want %d", len(times), cap(samples))
	}
	report(t, "without fast propagation", times)
}

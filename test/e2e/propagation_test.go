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
	p.inSync("prometheus")
	return p
}

// sample updates the ConfigMap and returns how long it takes from the API's answer to the
// configuration that Prometheus says it runs; meanwhile is called until then.
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

// fastSample is sample; when it takes longer than fast propagation should, it says what the sidecar did.
func (p *pod) fastSample(configMap string, meanwhile ...func()) time.Duration {
	p.Helper()
	d := p.sample(configMap, meanwhile...)
	if d > 2*time.Second {
		p.Logf("a sample of %s, until %s; the sidecar's log:\n%s", d.Round(time.Millisecond), time.Now().UTC().Format("15:04:05.000"),
			p.kubectl("", "logs", p.Name, "-c", "reloader", "--tail=30"))
	}
	return d
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
// about 50 s; not even when the API server was away in between. The only test that is not parallel:
// go test runs it before all the others, which neither slow its samples nor meet the API server's restart.
func TestFastPropagation(t *testing.T) {
	w := newWorld(t)
	p := w.follower("fast", "--fast-propagation")
	var times []time.Duration
	for range count("E2E_FAST_SAMPLES", 20) {
		time.Sleep(rand.N(2 * time.Second)) // a change comes at any moment of the kubelet's cycle
		times = append(times, p.fastSample("fast"))
	}
	if median := report(t, "with fast propagation", times); median > 10*time.Second {
		t.Errorf("median %s: that is the kubelet's own pace", median)
	}

	for _, args := range [][]string{{"stop", "kube-apiserver"}, {"up"}} {
		if out, err := exec.CommandContext(t.Context(), os.Getenv("E2E_KUBE"), args...).CombinedOutput(); err != nil {
			t.Fatalf("kube %v: %v\n%s", args, err, out)
		}
	}
	// The sidecar is back at once; the rest is the kubelet's, whose own watches come back at their own
	// pace (docs/fast-propagation.md).
	begin, before := time.Now(), p.refreshed()
	var patched time.Duration
	live := p.fastSample("fast", func() {
		if at := p.refreshed(); patched == 0 && at.After(before) {
			patched = at.Sub(begin)
		}
	})
	t.Logf("after a restart of the API server: pod patched after %s, live after %s", patched.Round(time.Millisecond), live.Round(time.Millisecond))
	if patched == 0 || patched > 5*time.Second || live > 35*time.Second {
		t.Errorf("after a restart of the API server: pod patched after %s, live after %s", patched, live)
	}
	p.noRestarts()
}

// slowPods are looked at side by side: the samples of one pod cost a cycle of the kubelet each.
const slowPods = 10

// Without fast propagation, and without any permission, a change arrives at the kubelet's own pace.
// E2E_SLOW_SAMPLES sets the number for each pod.
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
					time.Sleep(rand.N(time.Minute)) // as above
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

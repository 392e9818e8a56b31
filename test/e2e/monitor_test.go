//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const password = "correct-horse"

func prometheusYML(jobs ...string) map[string]string {
	var b strings.Builder
	b.WriteString("global:\n  scrape_interval: 15s\nscrape_configs:\n")
	for _, j := range jobs {
		fmt.Fprintf(&b, "- job_name: %s\n  static_configs: [{targets: ['localhost:9090']}]\n", j)
	}
	return map[string]string{"prometheus.yml": b.String()}
}

// broken has its mistake in line 4.
var broken = map[string]string{"prometheus.yml": "global:\n  scrape_interval: 15s\nscrape_configs:\n- job_nam: first\n"}

func datasource(url string) map[string]string {
	return map[string]string{"datasource.yaml": "apiVersion: 1\ndatasources:\n- name: Prometheus\n  type: prometheus\n  uid: prometheus\n  url: " + url + "\n"}
}

// deploy creates the ConfigMaps and the Secret of the manifest, applies it, and waits until both servers are in sync.
func (w *world) deploy(manifest string) *pod {
	w.Helper()
	w.volumes("prometheus-data", "grafana-data")
	w.create("configmap", "prometheus-yml", prometheusYML("first"))
	w.create("configmap", "grafana-ini", map[string]string{"grafana.ini": "[analytics]\nreporting_enabled = false\n"})
	w.create("configmap", "grafana-datasource", datasource("http://localhost:9090"))
	w.create("secret generic", "gf-security-admin-password", map[string]string{"password": password})
	w.kubectl(manifest, "apply", "--server-side", "-f", "-")
	p := w.ready("app=monitor")
	p.inSync("prometheus", "grafana")
	return p
}

// The manifest that people run, after inject: a changed ConfigMap is live without a restart of any
// container. A broken one is refused and reported in Events, metrics and the log, and the fix is live.
func TestMonitor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.deploy(inject(t, manifest(t), "--events", "--fast-propagation"))
	if page := p.get(3000, "/login"); strings.Contains(page, "stand-in") {
		t.Log("Grafana: the stand-in")
	} else {
		t.Logf("Grafana: a real one: %s", p.get(3000, "/api/health"))
	}

	begin := time.Now()
	w.replace("configmap", "prometheus-yml", prometheusYML("first", "second"))
	w.until("the second job", func() bool { return strings.Contains(p.running(), "job_name: second") })
	t.Logf("prometheus.yml: from the start of kubectl to the running configuration: %s", time.Since(begin).Round(time.Millisecond))

	begin = time.Now()
	w.replace("configmap", "grafana-datasource", datasource("http://localhost:9999"))
	w.until("the data source", func() bool { return strings.Contains(p.get(3000, "/api/datasources/uid/prometheus"), "localhost:9999") })
	t.Logf("datasource.yaml: from the start of kubectl to the running data source: %s", time.Since(begin).Round(time.Millisecond))

	w.replace("configmap", "prometheus-yml", broken)
	p.refused("prometheus")
	w.until("the event", func() bool {
		events := w.kubectl("", "get", "events", "--field-selector", "reason=ConfigRejected,involvedObject.name="+p.Name)
		return strings.Contains(events, "/etc/prometheus/prometheus.yml:4:") && strings.Contains(events, "job_nam")
	})
	if log := p.logs(); !strings.Contains(log, "prometheus.yml") || !strings.Contains(log, "job_nam") {
		t.Errorf("the log does not name the mistake:\n%s", log)
	}
	if !strings.Contains(p.kubectl("", "describe", "pod", p.Name), "ConfigRejected") {
		t.Error("kubectl describe pod does not list the event")
	}
	if !strings.Contains(p.running(), "job_name: second") {
		t.Error("the server lost its configuration")
	}

	begin = time.Now()
	w.replace("configmap", "prometheus-yml", prometheusYML("first", "third"))
	w.until("the third job", func() bool { return strings.Contains(p.running(), "job_name: third") })
	t.Logf("the fix: from the start of kubectl to the running configuration: %s", time.Since(begin).Round(time.Millisecond))
	w.until("the event", func() bool {
		return strings.Contains(w.kubectl("", "get", "events", "--field-selector", "reason=ConfigApplied"), p.Name)
	})

	p.documented()
	w.replace("configmap", "grafana-ini", map[string]string{"grafana.ini": "[analytics]\nreporting_enabled = true\n"})
	w.until("the event about grafana.ini", func() bool {
		return strings.Contains(w.kubectl("", "get", "events", "--field-selector", "reason=RestartRequired"), "reporting_enabled")
	})
	p.noRestarts()
}

// In gated mode, a container that restarts while its ConfigMap is broken starts with the last good
// configuration.
func TestGatedRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.deploy(inject(t, manifest(t), "--gated", "--events", "--fast-propagation"))
	w.replace("configmap", "prometheus-yml", prometheusYML("first", "second"))
	w.until("the second job", func() bool { return strings.Contains(p.running(), "job_name: second") })
	w.replace("configmap", "prometheus-yml", broken)
	p.refused("prometheus")

	p.kill("prometheus")
	w.until("the last good configuration", func() bool { return strings.Contains(p.running(), "job_name: second") })

	// The same with Grafana, which does not start with a broken file.
	w.replace("configmap", "grafana-ini", map[string]string{"grafana.ini": "[server\nhttp_port = 1\n"})
	w.replace("configmap", "grafana-datasource", map[string]string{"datasource.yaml": "apiVersion: 1\ndatasources:\n- name: [\n"})
	p.refused("grafana")
	p.kill("grafana")
	w.until("the last good data source", func() bool {
		return strings.Contains(p.get(3000, "/api/datasources/uid/prometheus"), "localhost:9090")
	})

	w.replace("configmap", "prometheus-yml", prometheusYML("first", "third"))
	w.until("the fix", func() bool { return strings.Contains(p.running(), "job_name: third") })
	for container, want := range map[string]int{"prometheus": 1, "grafana": 1, "reloader": 0} {
		if n := p.restarts(container); n != want {
			t.Errorf("container %s was restarted %d times, want %d", container, n, want)
		}
	}
}

// At its start the sidecar reports a subPath mount in the log, the status and a metric, and says what to write instead.
func TestSubPathIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("configmap", "prometheus-yml", prometheusYML("first"))
	w.kubectl(`
apiVersion: v1
kind: Pod
metadata: {name: frozen, labels: {app: frozen}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: reloader
    image: reloader:e2e
    args: [run, --prometheus-url=http://127.0.0.1:9090]
    volumeMounts:
    - {name: config, mountPath: /etc/prometheus/prometheus.yml, subPath: prometheus.yml}
  volumes:
  - {name: config, configMap: {name: prometheus-yml}}
`, "apply", "-f", "-")
	p := w.ready("app=frozen")
	w.until("the metric", func() bool { return p.metric("reloader_subpath_mounts 1") })
	for _, want := range []string{"/etc/prometheus/prometheus.yml", "config", "ConfigMap", "without subPath"} {
		if !strings.Contains(p.logs(), want) {
			t.Errorf("no %q in the log:\n%s", want, p.logs())
		}
	}
	if s := p.get(9533, "/api/v1/status"); !strings.Contains(s, "subpath-mount") {
		t.Errorf("not in the status: %s", s)
	}
}

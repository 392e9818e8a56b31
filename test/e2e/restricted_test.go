//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// strict is a pod that the restricted pod security standard allows. Its configuration is in a Secret
// that only owner and group may read, and its rules are in a ConfigMap.
const strict = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: strict}
spec:
  selector: {matchLabels: {app: strict}}
  template:
    metadata: {labels: {app: strict}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsNonRoot: true, runAsUser: 65534, runAsGroup: 65534, fsGroup: 2000, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: prometheus
        image: prom/prometheus:e2e
        args: [--config.file=/etc/prometheus/prometheus.yml, --storage.tsdb.path=/prometheus]
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        readinessProbe: {httpGet: {path: /-/ready, port: 9090}, periodSeconds: 1}
        volumeMounts:
        - {name: config, mountPath: /etc/prometheus}
        - {name: rules, mountPath: %s}
        - {name: data, mountPath: /prometheus}
      volumes:
      - {name: config, secret: {secretName: prometheus, defaultMode: %s}}
      - {name: rules, configMap: {name: rules}}
      - {name: data, emptyDir: {}}
`

// rules are n files of two rules each.
func rules(n int, threshold string) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("r%04d.yml", i)] = fmt.Sprintf("groups:\n- name: g%d\n  rules:\n  - {record: 'r:a%d', expr: 'sum by (job) (rate(http_requests_total{job=\"api-%d\"}[5m]))'}\n"+
			"  - {alert: A%d, expr: 'r:a%d > %s', for: 10m, annotations: {summary: 'High rate on {{ $labels.instance }}'}}\n", i, i, i, i, i, threshold)
	}
	return files
}

// The sidecar works under restricted pod security in both modes, as user 65532 and with a read-only
// root file system. It reads Secrets that only owner and group may read, and stays within its memory
// limit with 1,000 rule files.
func TestRestricted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, mode, rules, flag string }{
		{"direct", "0400", "/etc/rules", "--fast-propagation"},
		{"gated", "0440", "/etc/prometheus/rules", "--gated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce-version=latest")
			main := func(job string) map[string]string {
				return map[string]string{"prometheus.yml": "rule_files: ['" + c.rules + "/*.yml']\n" + prometheusYML(job)["prometheus.yml"]}
			}
			w.create("secret generic", "prometheus", main("first"))
			w.create("configmap", "rules", rules(1000, "1"))
			w.kubectl(inject(t, fmt.Sprintf(strict, c.rules, c.mode), "--fast-propagation", "--events", c.flag), "apply", "--server-side", "-f", "-")
			p := w.ready("app=strict")
			p.inSync("prometheus")
			w.until("1,000 rule groups", func() bool { return strings.Count(p.get(9090, "/api/v1/rules"), `"file":`) == 1000 })

			w.replace("secret generic", "prometheus", main("second"))
			w.until("the second job", func() bool { return strings.Contains(p.running(), "job_name: second") })
			w.replace("configmap", "rules", rules(1000, "2"))
			w.until("the new rules", func() bool { return strings.Count(p.get(9090, "/api/v1/rules"), "\\u003e 2") == 1000 })
			p.inSync("prometheus")
			if !p.metric(`reloader_validations_unjudged_total{target="prometheus"} 0`) {
				t.Errorf("promcheck could not judge:\n%s", p.logs())
			}
			p.noRestarts()
			t.Logf("highest memory of the sidecar's container, with promcheck and page cache: %s", p.peakMemory())
		})
	}
}

// peakMemory is the kernel's figure for the sidecar's container.
func (p *pod) peakMemory() string {
	p.Helper()
	group, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.processes("reloader")[0]))
	if err != nil {
		p.Fatal(err)
	}
	for line := range strings.Lines(string(group)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		file := filepath.Join("/sys/fs/cgroup", path, "memory.peak")
		if controllers == "memory" {
			file = filepath.Join("/sys/fs/cgroup/memory", path, "memory.max_usage_in_bytes")
		} else if controllers != "" {
			continue
		}
		if b, err := os.ReadFile(file); err == nil {
			if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
				return fmt.Sprintf("%d MiB", n>>20)
			}
		}
	}
	return "unknown"
}

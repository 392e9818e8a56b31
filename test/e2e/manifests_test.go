//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// crds stand for those of the Prometheus operator: the kinds, without their schemas.
const crds = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: podmonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: PodMonitor, plural: podmonitors, singular: podmonitor}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: prometheusrules.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: PrometheusRule, plural: prometheusrules, singular: prometheusrule}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

// Every manifest and every kustomization passes the API server's strict validation.
func TestManifestsAreValid(t *testing.T) {
	w := newWorld(t)
	w.kubectl(crds, "apply", "-f", "-")
	w.kubectl("", "wait", "--for=condition=Established", "crd/podmonitors.monitoring.coreos.com", "crd/prometheusrules.monitoring.coreos.com")
	rendered := map[string]string{}
	for _, pattern := range []string{"../../manifests/*.yaml", "../../manifests/base", "../../examples/kustomize/*"} {
		list, err := filepath.Glob(pattern)
		if err != nil || len(list) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, path := range list {
			if filepath.Ext(path) == ".yaml" {
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				rendered[path] = string(b)
				continue
			}
			rendered[path] = w.kubectl("", "kustomize", path)
		}
	}
	for path, text := range rendered {
		out := w.kubectl(text, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
		t.Logf("%s: %d objects", path, strings.Count(out, "serverside-applied"))
	}
}

// The manifest and the kustomizations do what they say: pods become ready and follow a change.
func TestManifestsWork(t *testing.T) {
	t.Parallel()
	for name, render := range map[string]func(w *world) string{
		"monitor.yaml": func(w *world) string {
			b, err := os.ReadFile("../../manifests/monitor.yaml")
			if err != nil {
				w.Fatal(err)
			}
			return string(b)
		},
		"direct": func(w *world) string { return w.kubectl("", "kustomize", "../../examples/kustomize/direct") },
		"gated":  func(w *world) string { return w.kubectl("", "kustomize", "../../examples/kustomize/gated") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.kubectl(crds, "apply", "-f", "-")
			w.kubectl("", "wait", "--for=condition=Established", "crd/podmonitors.monitoring.coreos.com", "crd/prometheusrules.monitoring.coreos.com")
			w.volumes("prometheus-data", "grafana-data")
			text := render(w)
			if name != "monitor.yaml" {
				w.create("secret generic", "gf-security-admin-password", map[string]string{"password": password})
			}
			text = strings.ReplaceAll(localImages(text), "password: change-me", "password: "+password)
			w.kubectl(withoutClaims(text), "apply", "--server-side", "-f", "-")
			p := w.ready("app=monitor")
			w.until("both targets in sync", func() bool {
				return p.metric(`reloader_last_reload_successful{target="prometheus"} 1`) && p.metric(`reloader_last_reload_successful{target="grafana"} 1`)
			})
			w.replace("configmap", "prometheus-yml", prometheusYML("changed"))
			within := patience
			if name != "direct" { // the others have no fast propagation
				within = slowPatience
			}
			w.within(within, "the change", func() bool { return strings.Contains(p.running(), "job_name: changed") })
			p.noRestarts()
		})
	}
}

// withoutClaims leaves the claims out, which the test has made on volumes of this machine.
func withoutClaims(text string) string {
	var keep []string
	for doc := range strings.SplitSeq(text, "\n---\n") {
		if !strings.Contains(doc, "kind: PersistentVolumeClaim\n") {
			keep = append(keep, doc)
		}
	}
	return strings.Join(keep, "\n---\n")
}

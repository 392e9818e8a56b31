//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every manifest and every kustomization of this repository passes the API server's strict validation.
func TestManifestsAreValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operator()
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
		if n := strings.Count(out, "serverside-applied"); n == 0 {
			t.Errorf("%s: no object was applied:\n%s", path, out)
		}
	}
}

// The pods of the manifest and of the kustomizations become ready and follow a change without a restart.
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
			t.Parallel()
			w := newWorld(t)
			w.operator()
			w.volumes("prometheus-data", "grafana-data")
			text := render(w)
			if name != "monitor.yaml" {
				w.create("secret generic", "gf-security-admin-password", map[string]string{"password": password})
			}
			text = strings.ReplaceAll(localImages(text), "password: change-me", "password: "+password)
			w.kubectl(withoutClaims(text), "apply", "--server-side", "-f", "-")
			p := w.ready("app=monitor")
			p.inSync("prometheus", "grafana")
			w.replace("configmap", "prometheus-yml", prometheusYML("changed"))
			within := patience
			if name != "direct" { // only this one has fast propagation
				within = slowPatience
			}
			w.untilIn(within, "the change", func() bool { return strings.Contains(p.running(), "job_name: changed") })
			p.noRestarts()
		})
	}
}

// withoutClaims removes the claims, which the test has created on volumes of this machine.
func withoutClaims(text string) string {
	var keep []string
	for doc := range strings.SplitSeq(text, "\n---\n") {
		if !strings.Contains(doc, "kind: PersistentVolumeClaim\n") {
			keep = append(keep, doc)
		}
	}
	return strings.Join(keep, "\n---\n")
}

//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every manifest and every kustomization passes the API server's strict validation.
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
			if name != "direct" { // the others have no fast propagation
				within = slowPatience
			}
			w.untilIn(within, "the change", func() bool { return strings.Contains(p.running(), "job_name: changed") })
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

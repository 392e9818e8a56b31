//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// recipes are the YAML blocks in docs/ci.md by apiVersion and kind.
func recipes(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		if kind := regexp.MustCompile(`(?m)^apiVersion: (.*)\nkind: (.*)$`).FindStringSubmatch(m[1]); kind != nil {
			all[kind[1]+" "+kind[2]] = m[1]
		}
	}
	return all
}

// The Job in the recipes passes the API server's strict validation. Its command is tested in test/ci, because this
// cluster has no DNS for the name of the Service.
func TestJobRecipe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := recipes(t)["batch/v1 Job"]
	w.kubectl(job, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
}

// With the kustomization in the recipe for Flux, each change of the files gets a new Job, and the server's ConfigMap
// keeps its name.
func TestFluxRecipe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := recipes(t)
	job := strings.Replace(all["batch/v1 Job"], "name: prometheus-yml\n", "name: prometheus-yml-want\n", 1)
	render := func(interval string) string {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"kustomization.yaml": all["kustomize.config.k8s.io/v1beta1 Kustomization"], "job.yaml": job, "monitor.yaml": manifest(t),
			"prometheus.yml": "global: {scrape_interval: " + interval + "}\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return w.kubectl("", "kustomize", dir)
	}
	wanted := regexp.MustCompile(`name: prometheus-yml-want-[a-z0-9]+`)
	first, second := render("15s"), render("16s")
	if a, b := wanted.FindAllString(first, -1), wanted.FindAllString(second, -1); len(a) != 2 || len(b) != 2 || a[0] != a[1] || a[0] == b[0] {
		t.Errorf("ConfigMap and Job name %q, then %q", a, b)
	}
	if !strings.Contains(second, "  name: prometheus-yml\n") {
		t.Errorf("the server's ConfigMap has another name:\n%s", second)
	}
	w.kubectl(second, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
}

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// try runs kubectl and returns its output on both streams.
func (w *world) try(ctx context.Context, stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv("E2E_KUBE"), append([]string{"kubectl"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// kubectl runs kubectl in the world's namespace. An error ends the test.
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

// replace updates an object like users do: kubectl create --dry-run=client -o yaml | kubectl replace -f -
func (w *world) replace(kind, name string, files map[string]string) {
	w.Helper()
	w.kubectl(w.object(kind, name, files), "replace", "-f", "-")
}

func (w *world) create(kind, name string, files map[string]string) {
	w.Helper()
	w.kubectl(w.object(kind, name, files), "create", "-f", "-")
}

// object is a ConfigMap or Secret with these files, in YAML.
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

// volumes creates persistent volume claims with these names, backed by directories of this machine.
func (w *world) volumes(names ...string) {
	w.Helper()
	for _, n := range names {
		dir := w.TempDir()
		// The server in the pod may run as any user.
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

// crd is a custom resource definition without a schema.
func crd(kind, plural, group string) string {
	return fmt.Sprintf(`---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[2]s.%[3]s}
spec:
  group: %[3]s
  scope: Namespaced
  names: {kind: %[1]s, plural: %[2]s, singular: %[4]s}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`, kind, plural, group, strings.ToLower(kind))
}

// crds are kinds of the Prometheus operator.
var crds = crd("PodMonitor", "podmonitors", "monitoring.coreos.com") + crd("PrometheusRule", "prometheusrules", "monitoring.coreos.com")

// oneOperator is held while the definitions, which belong to the whole cluster, are applied.
var oneOperator sync.Mutex

// operator installs the kinds of the Prometheus operator.
func (w *world) operator() {
	w.Helper()
	oneOperator.Lock()
	defer oneOperator.Unlock()
	w.kubectl(crds, "apply", "-f", "-")
	w.kubectl("", "wait", "--for=condition=Established", "crd/podmonitors.monitoring.coreos.com", "crd/prometheusrules.monitoring.coreos.com")
}

// manifest is the manifest that people run, with images that this cluster has.
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

// inject is the output of reloader inject. A second inject must change nothing.
func inject(t *testing.T, manifest string, flags ...string) string {
	t.Helper()
	once := injectOnce(t, manifest, flags...)
	if twice := injectOnce(t, once, flags...); twice != once {
		t.Errorf("a second inject changes it:\n%s", twice)
	}
	return once
}

func injectOnce(t *testing.T, manifest string, flags ...string) string {
	t.Helper()
	args := append([]string{"inject", "-f", "-", "--image", "reloader:e2e"}, flags...)
	cmd := exec.CommandContext(t.Context(), os.Getenv("E2E_RELOADER"), args...)
	var out, reasons bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(manifest), &out, &reasons
	if err := cmd.Run(); err != nil {
		t.Fatalf("reloader inject: %v\n%s", err, &reasons)
	}
	return out.String()
}

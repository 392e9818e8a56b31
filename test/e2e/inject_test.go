//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// foreign are the kinds of OpenShift and of an operator that real manifests have in addition to their pods, without schemas.
var foreign = crd("DeploymentConfig", "deploymentconfigs", "apps.openshift.io") + crd("Prometheus", "prometheuses", "monitoring.coreos.com")

// elsewhere matches the namespace of a manifest. The test replaces it with its own.
var elsewhere = regexp.MustCompile(`("?namespace"?): *"?(?:monitoring|mon|default)\b"?`)

// The API server accepts the output of inject for each manifest in testdata, with different flags and with strict validation of every
// field. (inject's own tests prove that a second inject changes nothing.)
func TestInjectedManifestsAreValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kubectl(foreign, "apply", "-f", "-")
	w.kubectl("", "wait", "--for=condition=Established", "crd/deploymentconfigs.apps.openshift.io", "crd/prometheuses.monitoring.coreos.com")
	files, err := filepath.Glob("../../internal/inject/testdata/ok/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no manifests: ", err)
	}
	for _, flags := range [][]string{nil, {"--gated"}, {"--events", "--fast-propagation"}, {"--openshift", "--gated", "--events", "--fast-propagation"}} {
		t.Run(strings.Join(flags, ""), func(t *testing.T) {
			w := w.within(t)
			pods, applied := 0, 0
			for chunk := range slices.Chunk(files, 10) {
				all := t.TempDir()
				for _, file := range chunk {
					b, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					out := injectOnce(t, elsewhere.ReplaceAllString(string(b), `$1: `+w.ns), flags...)
					pods += strings.Count(out, "reloader:e2e")
					if err := os.WriteFile(filepath.Join(all, filepath.Base(file)), []byte(out), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				applied += strings.Count(w.kubectl("", "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", all), "serverside-applied")
			}
			if applied < len(files) || pods < len(files) {
				t.Errorf("%d objects with %d sidecars in %d files", applied, pods, len(files))
			}
		})
	}
}

// ownAccount is a Prometheus with its own service account, Role and token, and with credentials in a directory below its
// configuration.
const ownAccount = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: prometheus}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: prometheus}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: prometheus}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: prometheus}
subjects: [{kind: ServiceAccount, name: prometheus}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: own}
spec:
  selector: {matchLabels: {app: own}}
  template:
    metadata: {labels: {app: own}}
    spec:
      terminationGracePeriodSeconds: 1
      serviceAccountName: prometheus
      automountServiceAccountToken: true
      containers:
      - name: prometheus
        image: prom/prometheus:e2e
        args: [--config.file=/etc/prometheus/prometheus.yml, --storage.tsdb.path=/prometheus]
        readinessProbe: {httpGet: {path: /-/ready, port: 9090}, periodSeconds: 1}
        volumeMounts:
        - {name: config, mountPath: /etc/prometheus, readOnly: false}
        - {name: secrets, mountPath: /etc/prometheus/secrets}
        - {name: data, mountPath: /prometheus}
      volumes:
      - {name: config, configMap: {name: prometheus}}
      - {name: secrets, secret: {secretName: credentials}}
      - {name: data, emptyDir: {}}
`

// A Prometheus that discovers targets with its own service account keeps the account and its token when the sidecar is added, in both modes.
// With a gate, its mount is read-only, and the credentials that are mounted inside of it are readable.
func TestOwnAccount(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"direct": nil, "gated": {"--gated"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			main := func(job string) map[string]string {
				return map[string]string{"prometheus.yml": "scrape_configs:\n- job_name: " + job + "\n  kubernetes_sd_configs: [{role: pod, namespaces: {own_namespace: true}}]\n" +
					"  basic_auth: {username: u, password_file: secrets/password}\n"}
			}
			w.create("configmap", "prometheus", main("first"))
			w.create("secret generic", "credentials", map[string]string{"password": password})
			w.kubectl(inject(t, ownAccount, append(flags, "--events", "--fast-propagation")...), "apply", "--server-side", "-f", "-")
			p := w.ready("app=own")
			p.inSync("prometheus")
			w.until("a target that was discovered with the account", func() bool { return strings.Contains(p.get(9090, "/api/v1/targets"), `"scrapePool":"first"`) })
			w.replace("configmap", "prometheus", main("second"))
			w.until("a target of the second job", func() bool { return strings.Contains(p.get(9090, "/api/v1/targets"), `"scrapePool":"second"`) })
			p.inSync("prometheus")
			account := w.kubectl("", "get", "pod", p.Name, "-o", "jsonpath={.spec.serviceAccountName}")
			if account != "prometheus" {
				t.Errorf("the pod's account is %q", account)
			}
			if name == "gated" {
				readOnly := w.kubectl("", "get", "pod", p.Name, "-o", `jsonpath={.spec.containers[0].volumeMounts[?(@.mountPath=="/etc/prometheus")].readOnly}`)
				if readOnly != "true" {
					t.Errorf("the server's mount of the gate: readOnly is %q", readOnly)
				}
			}
			p.noRestarts()
		})
	}
}

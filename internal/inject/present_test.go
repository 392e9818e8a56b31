package inject

import (
	"bytes"
	"strings"
	"testing"
)

func warnings(res Result) string {
	var b strings.Builder
	for _, n := range res.Notes {
		if n.Warning {
			b.WriteString(n.Text + "\n")
		}
	}
	return b.String()
}

// An existing sidecar is left alone, and warnings say what it lacks for the requested options.
func TestSidecarStays(t *testing.T) {
	t.Parallel()
	src := monitor(t)
	res, err := Inject(src, options())
	if err != nil {
		t.Fatal(err)
	}
	once := res.Output
	o := everything()
	o.Gated = true
	res, err = Inject(once, o)
	if err != nil || !bytes.Equal(once, res.Output) {
		t.Fatalf("it changed: %v\n%s", err, Diff("once", once, "twice", res.Output))
	}
	for _, want := range []string{"has no gate", "has no --events", "has no --fast-propagation"} {
		if !strings.Contains(warnings(res), want) {
			t.Errorf("no %q in\n%s", want, warnings(res))
		}
	}
	for _, again := range []Options{options(), everything(), gated()} {
		first, err := Inject(src, again)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Inject(first.Output, again)
		if err != nil || warnings(second) != "" {
			t.Errorf("%+v, second inject: %v\n%s", again, err, warnings(second))
		}
	}
}

// A volume that was mounted in Prometheus after inject, and is missing in the sidecar, causes a warning.
func TestNewVolumeIsMissed(t *testing.T) {
	t.Parallel()
	res, err := Inject([]byte(strings.ReplaceAll(withRules, "RULES", "")), options())
	if err != nil {
		t.Fatal(err)
	}
	more := strings.Replace(string(res.Output), "    - {name: c, mountPath: /etc/prometheus}\n",
		"    - {name: c, mountPath: /etc/prometheus}\n    - {name: r, mountPath: /etc/prometheus/rules}\n", 1)
	res, err = Inject([]byte(more), options())
	if err != nil || string(res.Output) != more || !strings.Contains(warnings(res), "container reloader does not see r at /etc/prometheus/rules") {
		t.Errorf("%v, %s", err, warnings(res))
	}
}

const withRules = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  serviceAccountName: a
  containers:
  - name: prometheus
    image: prom/prometheus
    args: [--config.file=/etc/prometheus/prometheus.yml, --web.enable-lifecycle]
    volumeMounts:
    - {name: c, mountPath: /etc/prometheus}
RULES  volumes:
  - {name: c, configMap: {name: c}}
  - {name: r, configMap: {name: r}}
  - {name: s, secret: {secretName: s}}
`

// Other mounts inside of a gate: a directory at the top works, a file at the top needs a writable gate and causes a warning, and a
// deeper mount is refused, because the gate replaces the directory that it is in.
func TestNestedInGate(t *testing.T) {
	t.Parallel()
	mounts := func(secret string) []byte {
		return []byte(strings.ReplaceAll(withRules, "RULES", "    - {name: r, mountPath: /etc/prometheus/rules}\n    - {name: s, mountPath: "+secret+"}\n"))
	}
	if _, err := Inject(mounts("/etc/prometheus/rules/s"), gated()); err == nil || !strings.Contains(err.Error(), "is inside /etc/prometheus/rules, which becomes part of the gate") {
		t.Errorf("deeper: %v", err)
	}
	// The runtime cannot make a mount point below a read-only mount. The sidecar's own empty mount makes the directory earlier, but
	// it cannot make a file.
	for _, c := range []struct {
		path           string
		readOnly, made bool
	}{
		{"/etc/prometheus/s", true, true}, {"/run/s", true, false}, {"/etc/prometheus/token, subPath: token", false, false},
	} {
		src := mounts(c.path)
		if !c.readOnly { // a subPath of a Secret would become part of the gate
			src = bytes.ReplaceAll(src, []byte("secret: {secretName: s}"), []byte("csi: {driver: vault}"))
		}
		res, err := Inject(src, gated())
		if err != nil {
			t.Fatal(c.path, err)
		}
		out := string(res.Output)
		if readOnly := strings.Contains(out, "{name: prometheus-gate, mountPath: /etc/prometheus, readOnly: true}"); readOnly != c.readOnly {
			t.Errorf("Secret at %s:\n%s", c.path, out)
		}
		if made := strings.Contains(out, "- name: prometheus-gate-mounts\n      mountPath: /etc/prometheus/s\n"); made != c.made {
			t.Errorf("Secret at %s:\n%s", c.path, out)
		}
		if warned := strings.Contains(warnings(res), "the gate cannot be read-only for it"); warned == c.readOnly {
			t.Errorf("Secret at %s: %s", c.path, warnings(res))
		}
	}
}

// The sidecar gets the service account's token only if it needs it: a token that is mounted by default is hidden from it, and a
// missing one is mounted.
func TestToken(t *testing.T) {
	t.Parallel()
	pod := strings.ReplaceAll(withRules, "RULES", "")
	account := "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nautomountServiceAccountToken: false\n"
	own := strings.ReplaceAll(pod, "serviceAccountName: a", "automountServiceAccountToken: false\n  serviceAccountName: a")
	for _, c := range []struct {
		name, src       string
		o               Options
		hidden, mounted bool
	}{
		{"automounted, not needed", pod, options(), true, false},
		{"automounted, needed", pod, everything(), false, false},
		{"the pod has none, not needed", own, options(), false, false},
		{"the pod has none, needed", own, everything(), false, true},
		{"the account has none, not needed", pod + account, options(), false, false},
		{"the account has none, needed", pod + account, everything(), false, true},
		{"the pod overrides the account", strings.ReplaceAll(own, "Token: false", "Token: true") + account, options(), true, false},
	} {
		res, err := Inject([]byte(c.src), c.o)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if hidden := strings.Contains(string(res.Output), "reloader-no-token"); hidden != c.hidden {
			t.Errorf("%s: hidden %v", c.name, hidden)
		}
		if mounted := strings.Contains(string(res.Output), "name: reloader-token"); mounted != c.mounted {
			t.Errorf("%s: mounted %v", c.name, mounted)
		}
	}
}

// The sidecar of one server does not count as the sidecar of another one in the pod.
func TestSidecarOfAnotherServer(t *testing.T) {
	t.Parallel()
	const two = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: a
    image: prom/prometheus:v3.1.0
    args: [--config.file=/etc/a/prometheus.yml]
    volumeMounts: [{name: a, mountPath: /etc/a}]
  - name: b
    image: prom/prometheus:v3.1.0
    args: [--config.file=/etc/b/prometheus.yml, "--web.listen-address=:9091"]
    volumeMounts: [{name: b, mountPath: /etc/b}]
  - name: grafana
    image: grafana/grafana:12.4.0
    env: [{name: GF_SECURITY_ADMIN_PASSWORD, value: x}]
    volumeMounts: [{name: d, mountPath: /etc/grafana/provisioning/datasources}]
  volumes:
  - {name: a, configMap: {name: a}}
  - {name: b, configMap: {name: b}}
  - {name: d, configMap: {name: d}}
`
	o := options()
	o.PrometheusContainer = "a"
	first, err := Inject([]byte(two), o)
	if err != nil {
		t.Fatal(err)
	}
	o.PrometheusContainer = "b"
	res, err := Inject(first.Output, o)
	if got := warnings(res); err != nil || !strings.Contains(got, "follows the server at http://127.0.0.1:9090, and not the one at http://127.0.0.1:9091: ") || strings.Contains(got, "does not see") {
		t.Errorf("another Prometheus: %v\n%s", err, got)
	}
	o.PrometheusContainer = "a"
	without := strings.Replace(string(first.Output), "    - --grafana-url=http://127.0.0.1:3000\n", "", 1)
	res, err = Inject([]byte(without), o)
	if got := warnings(res); err != nil || !strings.Contains(got, "does not follow the server at http://127.0.0.1:3000: ") {
		t.Errorf("Grafana: %v\n%s", err, got)
	}
	if res, err = Inject(first.Output, o); err != nil || warnings(res) != "" {
		t.Errorf("the same again: %v\n%s", err, warnings(res))
	}
	elsewhere := strings.Replace(without, "    - --prometheus-url=http://127.0.0.1:9090\n", "    - --config=/etc/reloader.yml\n", 1)
	if res, err = Inject([]byte(elsewhere), o); err != nil || warnings(res) != "" {
		t.Errorf("with a file of targets: %v\n%s", err, warnings(res))
	}
}

// An immutable object never changes, so the user learns that it has to be replaced; one of another container does not matter.
func TestImmutable(t *testing.T) {
	t.Parallel()
	const manifest = `apiVersion: v1
kind: ConfigMap
metadata: {name: prom}
immutable: true
data: {prometheus.yml: "scrape_configs: []"}
---
apiVersion: v1
kind: Secret
metadata: {name: other}
immutable: true
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: prometheus
    image: prom/prometheus:v3.1.0
    volumeMounts: [{name: c, mountPath: /etc/prometheus}]
  - name: app
    image: app
    volumeMounts: [{name: s, mountPath: /s}]
  volumes:
  - {name: c, configMap: {name: prom}}
  - {name: s, secret: {secretName: other}}
`
	for _, o := range []Options{options(), gated()} {
		res, err := Inject([]byte(manifest), o)
		if got := warnings(res); err != nil || !strings.Contains(got, "ConfigMap/prom is immutable: ") || strings.Contains(got, "other") {
			t.Errorf("%v\n%s", err, got)
		}
		res, err = Inject([]byte(strings.Replace(manifest, "immutable: true", "immutable: false", 1)), o)
		if got := warnings(res); err != nil || strings.Contains(got, "immutable") {
			t.Errorf("not immutable: %v\n%s", err, got)
		}
	}
}

package inject

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"reloader/test/rig"
)

// A manifest of 5 MB is injected like any other, and the documents before the workload keep their bytes.
func TestFiveMegabytes(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	src := monitor(t)
	var big bytes.Buffer
	for i := 0; big.Len() < 5<<20; i++ {
		fmt.Fprintf(&big, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: dashboard-%d\ndata:\n  a.json: |\n", i)
		for range 200 {
			big.WriteString("    {\"title\": \"a panel with a title of some length\", \"type\": \"timeseries\"}\n")
		}
		big.WriteString("---\n")
	}
	head := big.Len()
	big.Write(src)
	res, err := Inject(big.Bytes(), options())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(res.Output[:head], big.Bytes()[:head]) {
		t.Error("the documents before the workload changed")
	}
	if !bytes.Contains(res.Output[head:], []byte("- name: reloader")) {
		t.Error("no sidecar in the workload")
	}
}

// A manifest with many workloads gets a sidecar in each, and its diff has the right number of lines.
func TestManyWorkloads(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	src := monitor(t)
	one := bytes.TrimPrefix(src, []byte("---\n"))
	for name, text := range map[string][]byte{
		"documents": bytes.Repeat(append([]byte("---\n"), one...), 60),
		"list":      append([]byte("apiVersion: v1\nkind: List\nitems:\n"), bytes.Repeat(item(one), 60)...),
	} {
		res, err := Inject(text, everything())
		if err != nil {
			t.Fatal(name, err)
		}
		if n := bytes.Count(res.Output, []byte("- name: reloader\n")); n < 60 {
			t.Errorf("%s: %d sidecars", name, n)
		}
		d := Diff("a", text, "b", res.Output)
		_, d, _ = bytes.Cut(d, []byte("@@"))
		if added := bytes.Count(d, []byte("\n+")) - bytes.Count(d, []byte("\n-")); added != bytes.Count(res.Output, []byte("\n"))-bytes.Count(text, []byte("\n")) {
			t.Errorf("%s: the diff adds %d lines", name, added)
		}
	}
}

// The sidecar of every workload mounts what the configuration names, however many files and workloads there are.
func TestManyWorkloadsWithManyFiles(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	const pods, keys = 110, 1000
	var b bytes.Buffer
	b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata:\n  prometheus.yml: 'rule_files: [/extra/*.yml]'\n")
	for i := range keys {
		fmt.Fprintf(&b, "  k%d: ''\n", i)
	}
	for i := range pods {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d}\nspec:\n  containers:\n  - name: prometheus\n    image: prom/prometheus:v3.16.0\n"+
			"    volumeMounts:\n    - {name: c, mountPath: /etc/prometheus}\n    - {name: x, mountPath: /extra}\n"+
			"  volumes:\n  - {name: c, configMap: {name: p}}\n  - {name: x, secret: {secretName: p}}\n", i)
	}
	res, err := Inject(b.Bytes(), options())
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(res.Output, []byte("mountPath: /extra")); n != 2*pods {
		t.Errorf("%d mounts of the rules in %d pods", n, pods)
	}
}

// item makes a document an element of a list.
func item(doc []byte) []byte {
	var b bytes.Buffer
	for i, line := range bytes.SplitAfter(doc, []byte("\n")) {
		switch {
		case len(line) == 0:
		case i == 0:
			b.WriteString("- " + string(line))
		default:
			b.WriteString("  " + string(line))
		}
	}
	return b.Bytes()
}

// The error about a manifest that is too large names the limit.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	_, err := Inject(make([]byte, MaxSize+1), options())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(MaxSize)) {
		t.Errorf("want the limit in the error, got %v", err)
	}
}

// A pod with more mounts, volumes or arguments than any real one is refused. So are lists that contain themselves.
func TestHostileSizes(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	var mounts, volumes strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&mounts, "    - {name: v%d, mountPath: /etc/prometheus/d%d, subPath: x}\n", i, i)
		fmt.Fprintf(&volumes, "  - {name: v%d, configMap: {name: c%d}}\n", i, i)
	}
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: prometheus\n    image: prom/prometheus\n    volumeMounts:\n" +
		"    - {name: c, mountPath: /etc/prometheus}\n"
	for name, c := range map[string]struct{ src, want string }{
		"mounts":  {pod + mounts.String() + "  volumes:\n" + volumes.String(), "inject works with at most"},
		"volumes": {pod + "  volumes:\n  - {name: c, configMap: {name: c}}\n" + volumes.String(), "inject works with at most"},
		"arguments": {strings.Replace(pod, "    volumeMounts", "    args: ["+strings.Repeat("--x=y, ", 20000)+"a]\n    volumeMounts", 1) +
			"  volumes: [{name: c, configMap: {name: c}}]\n", "inject works with at most"},
		"lists of themselves": {"apiVersion: v1\nkind: List\nitems: &l\n" + strings.Repeat("- {kind: List, items: *l}\n", 20000), "no Deployment"},
	} {
		for _, o := range []Options{options(), gated(), everything()} {
			if _, err := Inject([]byte(c.src), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %.300v", name, err)
			}
		}
	}
}

// Annotations are searched once per pod, not once per mount: with 100,000 annotations that took 15 s.
func TestManyAnnotations(t *testing.T) {
	rig.WithoutRaces(t)
	t.Parallel()
	var annotations, mounts, volumes strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&annotations, `"k%d":"v",`, i)
	}
	for i := range maxParts - 10 {
		fmt.Fprintf(&mounts, `{"name":"v%d","mountPath":"/etc/prometheus/d%d"},`, i, i)
		fmt.Fprintf(&volumes, `{"name":"v%d","configMap":{"name":"c%d","defaultMode":256}},`, i, i)
	}
	res, err := Inject([]byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","annotations":{`+annotations.String()+`"z":"v"}},"spec":{"containers":[{"name":"prometheus","image":"prom/prometheus",`+
		`"volumeMounts":[`+mounts.String()+`{"name":"c","mountPath":"/etc/prometheus"}]}],"volumes":[`+volumes.String()+`{"name":"c","configMap":{"name":"c"}}]}}`), options())
	if err != nil {
		t.Fatal(err)
	}
	modes := 0
	for _, n := range res.Notes {
		if strings.Contains(n.Text, "has the mode 0400") {
			modes++
		}
	}
	if modes != maxParts-10 {
		t.Errorf("%d warnings about modes of %d volumes", modes, maxParts-10)
	}
}

// BenchmarkLargestPod shows that the time per pod does not grow with the number of pods, each with as many mounts and volumes
// as inject accepts.
func BenchmarkLargestPod(b *testing.B) {
	var mounts, volumes strings.Builder
	for i := range maxParts - 1 {
		fmt.Fprintf(&mounts, "    - {name: v%d, mountPath: /etc/prometheus/d%d/f, subPath: f}\n", i, i)
		fmt.Fprintf(&volumes, "  - {name: v%d, configMap: {name: c%d}}\n", i, i)
	}
	pod := "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: prometheus\n    image: prom/prometheus\n    volumeMounts:\n" +
		"    - {name: c, mountPath: /etc/prometheus}\n" + mounts.String() + "  volumes:\n  - {name: c, configMap: {name: c}}\n" + volumes.String()
	for _, pods := range []int{1, 10, 50} {
		src := []byte(strings.Repeat(pod, pods))
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			for b.Loop() {
				if _, err := Inject(src, everything()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*pods), "µs/pod")
		})
	}
}

package manifest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// If several ConfigMaps set a variable, the last one wins, as for the kubelet. An env entry wins over all of them.
func TestVariable(t *testing.T) {
	t.Parallel()
	const objects = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {X: a, Y: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {X: b, Z: b}\n"
	in := &Input{}
	in.Add("m.yaml", []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    env: [{name: Z, value: own}]\n"+
		"    envFrom: [{configMapRef: {name: a}}, {configMapRef: {name: b}}, {configMapRef: {name: missing}}]\n"+objects))
	w := in.Workloads[0]
	for name, want := range map[string]string{"X": "b", "Y": "a", "Z": "own", "none": ""} {
		if got, _, ok := in.Variable(w, w.Containers[0], name); got != want || ok != (want != "") {
			t.Errorf("%s is %q (%v), want %q", name, got, ok, want)
		}
	}
}

// Feature flags count in every form in which Prometheus takes them: with = or as the next argument, repeated, with one dash, and in a
// script.
func TestFeatures(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		`[--enable-feature=a]`:                                                               "a",
		`["--enable-feature", "a,b", "--agent"]`:                                             "a b",
		`[-enable-feature, a, "--enable-feature=b"]`:                                         "a b",
		`["exec prometheus --enable-feature=a --enable-feature 'b,c' --x=enable-feature=d"]`: "a b c",
		`["exec prometheus \\\n  --enable-feature=a; sleep 1"]`:                              "a",
		`[--enable-features=a, enable-feature=b, --enable-feature]`:                          "",
	} {
		in := &Input{}
		in.Add("m.yaml", []byte("kind: Pod\nspec: {containers: [{name: p, image: prom/prometheus, args: "+args+"}]}\n"))
		if len(in.Workloads) != 1 {
			t.Fatalf("%s: %v", args, in.Files[0].Err)
		}
		if got := strings.Join(in.Workloads[0].Containers[0].Features(), " "); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}

// In a script, a flag ends where its name ends: before =, a blank, a quote or what separates commands, not before more of a name.
func TestFlagInAScript(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"grafana server --configOverrides cfg:x=y --config=/a.ini": "/a.ini true",
		"grafana server --configOverrides=cfg:x=y":                 " false",
		"grafana server\n-config '/a b.ini'; x":                    "/a true", // no more than a shell's word without blanks
		"x --config":                                               " true",
		`su a -c "x --config"`:                                     " true",
		"x --config; y":                                            " true",
		"(x --config) & x --config& wait":                          " true",
		"x --config\\\n --b":                                       " true",
		"x --config.file --config-a":                               " false",
		"x --no-config=1":                                          " false",
	} {
		in := &Input{}
		in.Add("m.yaml", []byte("kind: Pod\nspec: {containers: [{name: g, args: ["+strconv.Quote(script)+"]}]}\n"))
		w := in.Workloads[0]
		if value, _, ok := in.FlagValue(w, w.Containers[0], "config"); fmt.Sprint(value, " ", ok) != want {
			t.Errorf("%s: %q, %v, want %s", script, value, ok, want)
		}
	}
}

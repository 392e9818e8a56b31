package manifest

import "testing"

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

package manifest

import "testing"

// A template that happens to be valid YAML is recognized, at its line. Braces in the contents of a ConfigMap or in an annotation are not a
// template.
func TestUnrendered(t *testing.T) {
	t.Parallel()
	for text, line := range map[string]int{
		"kind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n":                                                                                      3,
		"kind: Deployment\nmetadata: {name: p}\nspec:\n  template:\n    spec:\n      containers:\n      - image: \"prom/prometheus:{{ .Values.tag }}\"\n": 7,
		"kind: ConfigMap\nmetadata:\n  namespace: '{{ .Release.Namespace }}'\n":                                                                           3,
		"kind: List\nitems:\n- kind: Pod\n  metadata: {name: {{ x }} }\n":                                                                                 4,
		"kind: ConfigMap\nmetadata: {name: c}\ndata:\n  r.yml: '{{ $labels.x }}'\n":                                                                       0,
		"kind: Deployment\nmetadata: {name: p, annotations: {a: '{{ x }}'}}\n":                                                                            0,
		"kind: Pod\nmetadata: {name: {a: b}}\n":                                                                                                           0,
	} {
		in := &Input{}
		in.Add("m.yaml", []byte(text))
		got := 0
		if e := in.Files[0].Err; e != nil {
			got = e.Line
			if e.Text != "this is an unrendered template" || len(in.Workloads)+len(in.Objects) > 0 {
				t.Errorf("%s: %v", text, e)
			}
		}
		if got != line {
			t.Errorf("%s: line %d, want %d", text, got, line)
		}
	}
}

package check

import (
	"strings"
	"testing"

	"reloader/internal/check/manifests"
	"reloader/internal/config"
	"reloader/internal/manifest"
)

// Keys that kustomize makes from literals, or adds to an object of a base, are not reported as missing.
func TestPartialObjects(t *testing.T) {
	t.Parallel()
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: grafana\n    image: grafana/grafana:12.4.0\n    volumeMounts:\n" +
		"    - {name: c, mountPath: /etc/grafana/provisioning/datasources}\n    - {name: c, mountPath: /x, subPath: other.yaml}\n" +
		"  volumes: [{name: c, configMap: {name: c, items: [{key: a.yaml, path: a.yaml}]}}]\n"
	for generator, missing := range map[string]bool{"": true, ", literals: [a=b]": false, ", envs: [x.env]": false, ", behavior: merge": false} {
		in := &manifest.Input{}
		in.Add("kustomization.yaml", []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nconfigMapGenerator: [{name: c"+generator+"}]\n"))
		in.Add("pod.yaml", []byte(pod))
		addGenerated(in)
		found := 0
		for _, f := range Manifest(t.Context(), Options{}, in).Findings {
			if f.Rule == manifests.RuleNoKey {
				found++
			}
		}
		if (found > 0) != missing {
			t.Errorf("%q: %d keys are missing", generator, found)
		}
	}
}

// Every run names the same missing file first, and judges generated objects in the same order.
func TestSameOrder(t *testing.T) {
	t.Parallel()
	missing := config.TargetDefaults(config.Grafana)
	missing.Ini.Path, missing.Provisioning.Path = "/no/grafana.ini", "/no/provisioning"
	for range 30 {
		in := &manifest.Input{}
		in.Add("kustomization.yaml", []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nconfigMapGenerator: [{name: c}]\nsecretGenerator: [{name: s}]\n"))
		addGenerated(in)
		if len(in.Objects) != 2 || in.Objects[0].Kind != "ConfigMap" {
			t.Fatalf("%v", in.Objects)
		}
		if err := exists(missing); err == nil || !strings.Contains(err.Error(), "grafana.ini") {
			t.Fatal(err)
		}
	}
}

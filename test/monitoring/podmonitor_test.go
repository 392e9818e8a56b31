package monitoring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"reloader/test/rig"
)

type object = map[string]any

// podMonitor has the fields that the manifest may use. Others are refused, because scrapeConfig does not know them.
type podMonitor struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Selector            struct{}
		PodMetricsEndpoints []struct {
			Port        string
			Relabelings []struct {
				TargetLabel string `yaml:"targetLabel"`
				Replacement string
			}
		} `yaml:"podMetricsEndpoints"`
	}
}

// scrapeConfig does what the operator's generatePodMonitorConfig does with such an object.
func scrapeConfig(m podMonitor, namespace, api string) object {
	endpoint := m.Spec.PodMetricsEndpoints[0]
	relabel := []object{
		{"action": "drop", "source_labels": []string{"__meta_kubernetes_pod_phase"}, "regex": "(Failed|Succeeded)"},
		{"action": "keep", "source_labels": []string{"__meta_kubernetes_pod_container_port_name"}, "regex": endpoint.Port},
		{"source_labels": []string{"__meta_kubernetes_namespace"}, "target_label": "namespace"},
		{"source_labels": []string{"__meta_kubernetes_pod_container_name"}, "target_label": "container"},
		{"source_labels": []string{"__meta_kubernetes_pod_name"}, "target_label": "pod"},
		{"target_label": "job", "replacement": namespace + "/" + m.Metadata.Name},
		{"target_label": "endpoint", "replacement": endpoint.Port},
	}
	for _, r := range endpoint.Relabelings {
		relabel = append(relabel, object{"target_label": r.TargetLabel, "replacement": r.Replacement})
	}
	return object{"scrape_configs": []object{{
		"job_name":              "podMonitor/" + namespace + "/" + m.Metadata.Name + "/0",
		"kubernetes_sd_configs": []object{{"role": "pod", "api_server": api, "namespaces": object{"names": []string{namespace}}}},
		"relabel_configs":       relabel,
	}}}
}

// A real Prometheus with the PodMonitor finds the metrics port in the pods of every manifest, also of a native sidecar, and
// nothing else.
func TestPodMonitorFindsPods(t *testing.T) {
	t.Parallel()
	binary := rig.PrometheusBinary(t)
	var pods []object
	for name, spec := range podSpecs(t) {
		pods = append(pods, object{
			"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1"},
			"spec": spec, "status": object{"phase": "Running", "podIP": fmt.Sprintf("127.0.1.%d", len(pods)+1)},
		})
	}
	var monitor podMonitor
	strictYAML(t, component+"podmonitor.yaml", &monitor, true)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "prometheus.yml"), scrapeConfig(monitor, "shop", podAPI(t, pods)))
	address := rig.FreeAddress(t)
	rig.NewProcess(t, "Prometheus", binary, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+dir, "--web.listen-address="+address).Start()

	want := []string{"component", "inject", "inject-gated", "monitor"}
	rig.Eventually(t, "all pods found", func() error {
		var answer struct {
			Data struct {
				ActiveTargets []struct{ Labels map[string]string }
			}
		}
		if err := rig.GetJSON(t, "http://"+address+"/api/v1/targets?state=active", &answer); err != nil {
			return err
		}
		var found []string
		for _, target := range answer.Data.ActiveTargets {
			l := target.Labels
			found = append(found, l["pod"])
			if l["job"] != "reloader" || l["namespace"] != "shop" || l["container"] != "reloader" || !strings.HasSuffix(l["instance"], ":9533") {
				t.Errorf("target %v", l)
			}
		}
		if slices.Sort(found); !slices.Equal(found, want) {
			return fmt.Errorf("found %v, want %v", found, want)
		}
		return nil
	})
}

// podSpecs are the pods of our manifests and commands, and one without reloader.
func podSpecs(t *testing.T) map[string]any {
	t.Helper()
	component, err := os.ReadFile("../../manifests/components/sidecar/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kustomization struct{ Patches []struct{ Patch string } }
	if err := yaml.Unmarshal(component, &kustomization); err != nil {
		t.Fatal(err)
	}
	monitor, err := os.ReadFile("../../manifests/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	specs := map[string]any{
		"monitor":   podSpec(t, string(monitor)),
		"component": podSpec(t, kustomization.Patches[0].Patch),
		"other":     object{"containers": []object{{"name": "web", "ports": []object{{"name": "http", "containerPort": 80}}}}},
	}
	for name, flags := range map[string][]string{"inject": nil, "inject-gated": {"--gated"}} {
		o := rig.Command(t, append([]string{"inject", "-f", "../../manifests/base/monitor.yaml"}, flags...)...)
		if o.Code != 0 {
			t.Fatalf("inject: %+v", o)
		}
		specs[name] = podSpec(t, o.Stdout)
	}
	return specs
}

// podSpec is the pod of the one Deployment among the documents.
func podSpec(t *testing.T, documents string) object {
	t.Helper()
	dec := yaml.NewDecoder(strings.NewReader(documents))
	for {
		var d struct {
			Kind string
			Spec struct{ Template struct{ Spec object } }
		}
		if err := dec.Decode(&d); errors.Is(err, io.EOF) {
			t.Fatal("no Deployment")
		} else if err != nil {
			t.Fatal(err)
		} else if d.Spec.Template.Spec != nil {
			return d.Spec.Template.Spec
		}
	}
}

// podAPI answers like a Kubernetes API with these pods, which never change.
func podAPI(t *testing.T, pods []object) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(rw)
		switch {
		case r.URL.Path != "/api/v1/namespaces/shop/pods":
			rw.WriteHeader(http.StatusNotFound)
		case !r.URL.Query().Has("watch"):
			_ = enc.Encode(object{"kind": "PodList", "apiVersion": "v1", "metadata": object{"resourceVersion": "1"}, "items": pods})
		default:
			if r.URL.Query().Get("sendInitialEvents") == "true" {
				for _, pod := range pods {
					_ = enc.Encode(object{"type": "ADDED", "object": pod})
				}
				_ = enc.Encode(object{"type": "BOOKMARK", "object": object{"kind": "Pod", "apiVersion": "v1", "metadata": object{
					"resourceVersion": "1", "annotations": object{"k8s.io/initial-events-end": "true"},
				}}})
			}
			_ = http.NewResponseController(rw).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL
}

// The values for charts in the documentation name the port as well.
func TestChartValuesNameThePort(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets := 0
	for block := range bytes.SplitSeq(doc, []byte("```")) {
		if !bytes.HasPrefix(block, []byte("yaml\n")) || !bytes.Contains(block, []byte("image: reloader:")) {
			continue
		}
		snippets++
		if !strings.Contains(strings.Join(strings.Fields(string(block)), " "), "ports: - name: reloader containerPort: 9533") {
			t.Errorf("no port:\n%s", block)
		}
	}
	if snippets != 2 {
		t.Errorf("%d snippets with the sidecar, want 2", snippets)
	}
}

package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// check names the frozen mounts of a manifest.
func TestCheckManifest(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: prometheus\n    image: prom/prometheus\n"+
		"    volumeMounts:\n    - {name: c, mountPath: /etc/prometheus/prometheus.yml, subPath: prometheus.yml}\n  volumes: [{name: c, configMap: {name: c}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := Run(t.Context(), Options{}, []string{file})
	if len(list) != 1 || list[0].Err != nil || len(list[0].Findings) != 1 || !strings.Contains(list[0].Findings[0].Message, "never changes") {
		t.Errorf("got %+v", list)
	}
}

package gate

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A compressed main file with variables, as with the prometheus-operator: the result is judged, an unset variable is an
// error with its position, and Prometheus reads plain files.
func TestCompressedFilesWithVariables(t *testing.T) {
	t.Setenv("GATE_TEST_NUMBER", "7")
	packed := func(variable string) map[string]string {
		files := generation(7)
		main := strings.Replace(files["prometheus.yml"], "g7", "g$("+variable+")", 1)
		delete(files, "prometheus.yml")
		files["prometheus.yml.gz"] = zipped(t, main)
		return files
	}
	w := newWorld(t, packed("GATE_TEST_NUMBER"))
	config := filepath.Join(t.TempDir(), "reloader.yml")
	text := fmt.Sprintf(`targets:
- name: prometheus
  kind: prometheus
  url: %s
  config_file: %s
  gate: %s
  gunzip: true
  expand_env: [prometheus.yml]
  expand_env_names: ["GATE_TEST_*"]
  gate_mode: "0600"
`, w.prometheus.Proxy, filepath.Join(w.volume.Dir, "prometheus.yml"), w.gate)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	w.reloader = rig.NewReloader(t, "--config", config)

	once := func() (int, string) {
		o := rig.Command(t, "once", "--config", config)
		return o.Code, o.Stdout + o.Stderr
	}
	if code, out := once(); code != 0 {
		t.Fatalf("once: exit code %d\n%s", code, out)
	}
	info, err := os.Stat(filepath.Join(w.gate, "prometheus.yml"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the gate's main file: %v, %v", info, err)
	}
	if _, err := os.Lstat(filepath.Join(w.gate, "prometheus.yml.gz")); err == nil {
		t.Error("the compressed file is in the gate too")
	}
	w.prometheus.Start()
	w.reloader.Start()
	w.prometheus.Ready()
	rig.Eventually(t, "in sync", func() error {
		if s, err := w.reloader.Status(); err != nil || s.Phase != reload.InSync {
			return fmt.Errorf("phase %s, %w", s.Phase, err)
		}
		return w.runs(7)
	})

	w.volume.Swap(packed("GATE_TEST_UNSET"))
	rig.Eventually(t, "rejected", func() error {
		s, err := w.reloader.Status()
		if err != nil || s.Phase != reload.Rejected {
			return fmt.Errorf("phase %s, %w", s.Phase, err)
		}
		for _, f := range s.Findings {
			if f.Rule == "unset-variable" && f.Line == 3 && f.Column == 19 && strings.HasSuffix(f.File, "prometheus.yml.gz") {
				return nil
			}
		}
		return fmt.Errorf("findings %v", s.Findings)
	})
	if err := w.runs(7); err != nil {
		t.Error(err)
	}
	w.reloader.Kill()
	if code, out := once(); code != 0 || !strings.Contains(out, "GATE_TEST_UNSET is not set") || !strings.Contains(out, "the gate keeps the last good ones") {
		t.Errorf("once with a good gate: exit code %d\n%s", code, out)
	}
	if err := os.RemoveAll(w.gate); err != nil {
		t.Fatal(err)
	}
	if code, out := once(); code != 1 || !strings.Contains(out, "GATE_TEST_UNSET is not set") {
		t.Errorf("once with an empty gate: exit code %d\n%s", code, out)
	}
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"reloader/test/rig"
)

const injectable = `apiVersion: v1
kind: Pod
metadata:
  name: prometheus
spec:
  containers:
  - name: prometheus
    image: prom/prometheus
    volumeMounts:
    - name: config
      mountPath: /etc/prometheus/prometheus.yml
      subPath: prometheus.yml # frozen
  volumes:
  - name: config
    configMap:
      name: prometheus-yml
`

// runCommand runs one command line in this process and returns its exit code and what it printed.
func runCommand(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, stdio{in: strings.NewReader(stdin), out: &out, err: &err})
	return code, out.String(), err.String()
}

// manifestFile is a file with the mode 0640, whatever the umask is.
func manifestFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "monitor.yaml")
	rig.Must(t, os.WriteFile(file, []byte(text), 0o600))
	rig.Must(t, os.Chmod(file, 0o640)) //nolint:gosec // a mode that is not the default
	return file
}

// The explanation follows the order of the file, container by container. What the user must still do is at
// the end, and no line is wider than a terminal.
func TestInjectExplains(t *testing.T) {
	src, err := os.ReadFile("../../internal/inject/testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, _, reasons := runCommand(t, string(src), "inject", "-f", "-", "--events")
	at := 0
	for _, want := range []string{
		"<stdin>: Deployment/monitor\n", "\n  prometheus\n    line 21  gets --web", "\n    line 36  volume", "\n  grafana\n", "\n  reloader\n",
		"\n               /etc/prometheus                        prometheus-yml\n", "\n  left for you\n", "create and\n             patch every Event of the namespace. Give this pod its own service account",
	} {
		i := strings.Index(reasons[at:], want)
		if i < 0 {
			t.Fatalf("no %q after the previous text in\n%s", want, reasons)
		}
		at += i
	}
	for line := range strings.Lines(reasons) {
		if len(line) > explainWidth+1 {
			t.Errorf("%d characters: %s", len(line)-1, line)
		}
	}
	_, injected, _ := runCommand(t, string(src), "inject", "-f", "-")
	if _, _, reasons := runCommand(t, injected, "inject", "-f", "-"); !strings.Contains(reasons, "already exists") || !strings.HasSuffix(reasons, "<stdin>: nothing to change\n") {
		t.Errorf("a second time:\n%s", reasons)
	}
}

// There is no public image, so the user learns that the default name is not enough: once, when a sidecar with it is added.
func TestInjectNamesTheImage(t *testing.T) {
	const remark = "the image reloader:latest is in no registry: build it, push it to a registry of\n"
	two := injectable + "---\n" + strings.Replace(injectable, "name: prometheus\nspec", "name: second\nspec", 1)
	_, injected, reasons := runCommand(t, two, "inject", "-f", "-")
	if strings.Count(reasons, remark) != 1 || !strings.Contains(reasons, "--image") {
		t.Errorf("without --image:\n%s", reasons)
	}
	if _, _, reasons := runCommand(t, injected, "inject", "-f", "-"); strings.Contains(reasons, remark) {
		t.Errorf("nothing was added:\n%s", reasons)
	}
	if _, _, reasons := runCommand(t, two, "inject", "-f", "-", "--image", "reloader:latest"); strings.Contains(reasons, "registry") {
		t.Errorf("with --image:\n%s", reasons)
	}
	t.Setenv("RELOADER_IMAGE", "example.com/reloader:1")
	if _, _, reasons := runCommand(t, two, "inject", "-f", "-"); strings.Contains(reasons, "registry") {
		t.Errorf("with the image from the environment:\n%s", reasons)
	}
}

// The result goes to standard output, the reasons with line numbers to standard error.
func TestInjectPrints(t *testing.T) {
	code, out, reasons := runCommand(t, injectable, "inject", "-f", "-", "--image", "example.com/reloader:1")
	if code != exitOK || !strings.Contains(out, "image: example.com/reloader:1") {
		t.Errorf("exit %d, output:\n%s", code, out)
	}
	if !strings.Contains(reasons, "<stdin>: Pod/prometheus\n  prometheus\n    line  7  gets --web.enable-lifecycle") {
		t.Errorf("reasons:\n%s", reasons)
	}
}

// --diff shows the change and leaves the file alone. --write changes the file once and keeps its mode.
func TestInjectDiffAndWrite(t *testing.T) {
	file := manifestFile(t, injectable)
	code, out, _ := runCommand(t, "", "inject", "-f", file, "--diff")
	if code != exitOK || !strings.Contains(out, "\n-      subPath: prometheus.yml # frozen\n") {
		t.Errorf("exit %d, diff:\n%s", code, out)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != injectable {
		t.Fatalf("--diff changed the file: %v\n%s", err, b)
	}
	var once []byte
	for range 2 {
		if code, out, reasons := runCommand(t, "", "inject", "-f", file, "--write"); code != exitOK || out != "" {
			t.Fatalf("exit %d, output %q, reasons:\n%s", code, out, reasons)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if once != nil && !bytes.Equal(once, b) {
			t.Errorf("the second --write changed the file again:\n%s", b)
		}
		once = b
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, want 0640", info.Mode())
	}
	if list, err := os.ReadDir(filepath.Dir(file)); err != nil || len(list) != 1 {
		t.Errorf("left next to the file: %v, %v", list, err)
	}
}

// A manifest without a server is refused with its line and a hint, and nothing is written.
func TestInjectRefuses(t *testing.T) {
	text := strings.ReplaceAll(injectable, "prom/prometheus", "nginx")
	text = strings.ReplaceAll(text, "name: prometheus\n", "name: web\n")
	file := manifestFile(t, text)
	code, out, reasons := runCommand(t, "", "inject", "-f", file, "--write")
	if code != exitFailed || out != "" {
		t.Errorf("exit %d, output %q", code, out)
	}
	for _, want := range []string{file + ":1: error: no Prometheus or Grafana container", "hint: name it with --prometheus-container", "nothing was written"} {
		if !strings.Contains(reasons, want) {
			t.Errorf("no %q in\n%s", want, reasons)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != text {
		t.Errorf("the file changed: %v", err)
	}
}

// The error about a wrong command line says what to write.
func TestInjectUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"give the manifest with -f FILE":     {},
		"name the manifest with -f m.yaml":   {"m.yaml"},
		"--write needs a file":               {"-f", "-", "-w"},
		"--image: want an image":             {"-f", "m.yaml", "--image", ""},
		"give either --diff or --write":      {"-f", "m.yaml", "-w", "--diff"},
		"did you mean --fast-propagation?":   {"-f", "-", "--fast-propagations"},
		"no-such.yaml: no such file or dire": {"-f", "no-such.yaml"},
	} {
		code, out, reasons := runCommand(t, "", append([]string{"inject"}, args...)...)
		if code == exitOK || out != "" || !strings.Contains(reasons, want) {
			t.Errorf("%v: exit %d, output %q, want %q in\n%s", args, code, out, want, reasons)
		}
	}
}

// --write replaces the file atomically: its owner and mode stay, and nothing is left next to it. A FIFO is refused without waiting for a
// writer.
func TestInjectWriteKeepsOwner(t *testing.T) {
	src, err := os.ReadFile("../../internal/inject/testdata/ok/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := manifestFile(t, string(src))
	dir := filepath.Dir(file)
	fifo := filepath.Join(dir, "fifo")
	const other = 12345
	if os.Geteuid() == 0 {
		if err := os.Chown(file, other, other); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, reasons := runCommand(t, "", "inject", "-f", file, "--write"); code != exitOK {
		t.Fatal(code, reasons)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 && (!ok || owner.Uid != other || owner.Gid != other) || info.Mode().Perm() != 0o640 {
		t.Errorf("owner %+v, mode %s", info.Sys(), info.Mode())
	}
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, reasons := runCommand(t, "", "inject", "-f", fifo); code != exitFailed || out != "" || !strings.Contains(reasons, "neither a file nor a directory") {
		t.Errorf("a FIFO: %d %q %q", code, out, reasons)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
		t.Errorf("%v %v", list, err)
	}
}

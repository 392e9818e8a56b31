package prometheus

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// The name of a headless Service has the addresses of all pods. wait succeeds only if every pod has proof: not while the server of one
// pod runs old files, and not while one pod does not answer.
func TestWaitForAllPods(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a program its own /etc/hosts")
	}
	_, port, err := net.SplitHostPort(rig.FreeAddress(t))
	rig.Must(t, err)
	hosts := filepath.Join(t.TempDir(), "hosts")
	rig.Must(t, os.WriteFile(hosts, []byte("127.0.0.1 localhost\n127.0.0.2 monitor.svc\n127.0.0.3 monitor.svc\n"), 0o600))
	wait := func(args ...string) rig.Outcome {
		t.Helper()
		args = append([]string{
			"-m", "sh", "-ec", "mount --bind " + hosts + ` /etc/hosts; exec "$@"`, "sh",
			rig.Program(t, "reloader"), "wait", "--url", "http://monitor.svc:" + port,
		}, args...)
		cmd := exec.CommandContext(t.Context(), "unshare", args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return rig.Outcome{Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	}
	says := func(o rig.Outcome, code int, words ...string) {
		t.Helper()
		if o.Code != code {
			t.Errorf("exit code %d, want %d: %s%s", o.Code, code, o.Stdout, o.Stderr)
		}
		for _, w := range words {
			if !strings.Contains(o.Stdout+o.Stderr, w) {
				t.Errorf("nothing says %q: %s%s", w, o.Stdout, o.Stderr)
			}
		}
	}

	patience := rig.Patience.String()
	// The server in the second pod has a single-file mount, as with subPath.
	var pods []*pair
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	rig.Must(t, os.WriteFile(file, nil, 0o600))
	for i, address := range []string{"127.0.0.2", "127.0.0.3"} {
		v := volume.New(t, filepath.Join(t.TempDir(), "v"), map[string]string{"prometheus.yml": rig.Jobs("", "one")})
		config := filepath.Join(v.Dir, "prometheus.yml")
		server, flag := rig.NewPrometheus(t, config), config
		if i == 1 {
			server, flag = rig.NewPrometheusIn(t, file, fmt.Sprintf("mount --bind %s %s", config, file)), config+"="+file
		}
		server.Start()
		server.Ready()
		p := &pair{rig.NewReloader(t, "--prometheus-url", server.Proxy, "--prometheus-config", flag, "--poll-interval", "2s",
			"--listen-address", net.JoinHostPort(address, port)), t, server, v}
		p.URL = "http://" + net.JoinHostPort(address, port)
		p.Start()
		pods = append(pods, p)
	}
	for _, p := range pods {
		p.synced()
	}
	says(wait("--synced", "--timeout", patience), 0)
	says(wait("--dir", pods[0].main.Dir, "--timeout", patience), 0)

	for _, p := range pods {
		p.main.Swap(map[string]string{"prometheus.yml": rig.Jobs("", "one", "two")})
	}
	says(wait("--dir", pods[0].main.Dir, "--timeout", patience), 1, "127.0.0.3:"+port, `scrape job "two" is missing`)
	pods[0].ReachesWith(pods[0].main.Dir, reload.InSync)
	says(wait("--synced", "--timeout", "5s"), 1, "127.0.0.3:"+port) // it takes all of this time

	pods[1].server.Stop()
	pods[1].server.Start()
	pods[1].synced()
	says(wait("--dir", pods[0].main.Dir, "--timeout", patience), 0)

	pods[1].Stop()
	o := wait("--dir", pods[0].main.Dir, "--timeout", "3s")
	if o.Code == 0 {
		t.Errorf("one pod does not answer: %+v", o)
	}
	says(o, o.Code, "127.0.0.3:"+port)
	pods[1].Start()
	says(wait("--dir", pods[0].main.Dir, "--timeout", patience), 0)
}

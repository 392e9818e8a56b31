//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
)

// documented runs the commands in the documentation that ask a pod, as they are written there.
func (p *pod) documented() {
	p.Helper()
	for _, c := range []struct{ page, command, want string }{
		{"troubleshooting.md", "kubectl exec POD -c reloader -- /reloader status", "prometheus: InSync"},
		{"troubleshooting.md", "kubectl port-forward POD 9533 & reloader status", "prometheus: InSync"},
		{"install.md", "kubectl get --raw /api/v1/namespaces/default/pods/POD:9533/proxy/api/v1/status", `"InSync"`},
		{"fast-propagation.md", `kubectl annotate pod POD reloader/refresh="$(date +%s%N)" --overwrite`, "annotated"},
		{"fast-propagation.md", `kubectl annotate pods -l app=monitor reloader/refresh="$(date +%s%N)" --overwrite`, "annotated"},
	} {
		page, err := os.ReadFile("../../docs/" + c.page)
		if err != nil {
			p.Fatal(err)
		}
		if !strings.Contains(string(page), c.command) {
			p.Errorf("docs/%s no longer has %q", c.page, c.command)
			continue
		}
		command := strings.NewReplacer("POD", p.Name, "namespaces/default/", "namespaces/"+p.ns+"/").Replace(c.command)
		p.until("`"+c.command+"` answers "+c.want, func() bool { return strings.Contains(p.shell(command), c.want) })
	}
}

// shell runs a command line that may use kubectl and reloader. It ends what the command line left in the background.
func (p *pod) shell(command string) string {
	ctx, cancel := context.WithTimeout(p.Context(), 30*time.Second)
	defer cancel()
	const prelude = `kubectl() { "$E2E_KUBE" kubectl -n "$NS" "$@"; }
reloader() { sleep 1; "$E2E_RELOADER" "$@"; } # usually the port-forward in the background is ready by then
trap 'kill $(jobs -p) 2>/dev/null' EXIT
`
	cmd := exec.CommandContext(ctx, "bash", "-c", prelude+command)
	cmd.Env = append(os.Environ(), "NS="+p.ns)
	cmd.WaitDelay = time.Second
	out, _ := cmd.CombinedOutput() // the caller repeats the command until its output is right
	return string(out)
}

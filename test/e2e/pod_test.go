//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pod is one pod of a world.
type pod struct {
	*world
	Name string
	UID  string
	IP   string
}

// podState is what the API says about a pod.
type podState struct {
	Metadata struct{ Name, UID string }
	Status   struct {
		PodIP                                    string
		Conditions                               []struct{ Type, Status string }
		ContainerStatuses, InitContainerStatuses []containerState
	}
}

type containerState struct {
	Name, ContainerID string
	RestartCount      int
}

func (s podState) ready() bool {
	for _, c := range s.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}

// ready waits for the one pod with the label.
func (w *world) ready(label string) *pod {
	w.Helper()
	var p *pod
	w.untilIn(2*patience, "a ready pod "+label, func() bool {
		var list struct{ Items []podState }
		if err := w.read(w.Context(), "/api/v1/namespaces/"+w.ns+"/pods?labelSelector="+url.QueryEscape(label), &list); err != nil {
			w.Fatal(err)
		}
		for _, it := range list.Items {
			if it.ready() {
				p = &pod{w, it.Metadata.Name, it.Metadata.UID, it.Status.PodIP}
			}
		}
		return p != nil
	})
	return p
}

// containers are the pod's containers by name.
func (p *pod) containers() map[string]containerState {
	p.Helper()
	var got podState
	if err := p.read(p.Context(), "/api/v1/namespaces/"+p.ns+"/pods/"+p.Name, &got); err != nil {
		p.Fatal(err)
	}
	all := map[string]containerState{}
	for _, c := range append(got.Status.ContainerStatuses, got.Status.InitContainerStatuses...) {
		all[c.Name] = c
	}
	return all
}

func (p *pod) restarts(container string) int { return p.containers()[container].RestartCount }

func (p *pod) noRestarts() {
	p.Helper()
	for name, c := range p.containers() {
		if c.RestartCount != 0 {
			p.Errorf("container %s was restarted %d times", name, c.RestartCount)
		}
	}
}

// get reads a page of a server in the pod; empty if it does not answer.
func (p *pod) get(port int, path string) string {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d%s", p.IP, port, path), nil)
	if err != nil {
		p.Fatal(err)
	}
	req.SetBasicAuth("admin", password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return ""
	}
	return string(b)
}

// running is the configuration that Prometheus says it runs.
func (p *pod) running() string { return p.get(9090, "/api/v1/status/config") }

func (p *pod) metric(line string) bool {
	return strings.Contains("\n"+p.get(9533, "/metrics"), "\n"+line+"\n")
}

// inSync waits until the last reload of each target was successful.
func (p *pod) inSync(targets ...string) {
	p.Helper()
	for _, t := range targets {
		p.until(t+" is in sync", func() bool { return p.metric(`reloader_last_reload_successful{target="` + t + `"} 1`) })
	}
}

// refused waits until the metrics say that the newest files of the target are not live.
func (p *pod) refused(target string) {
	p.Helper()
	p.until(target+"'s refusal in the metrics", func() bool { return p.metric(`reloader_last_reload_successful{target="` + target + `"} 0`) })
}

func (p *pod) logs() string { return p.kubectl("", "logs", p.Name, "-c", "reloader") }

// processes are the process IDs of a container on this machine.
func (p *pod) processes(container string) []int {
	p.Helper()
	_, id, _ := strings.Cut(p.containers()[container].ContainerID, "://")
	if id == "" {
		p.Fatalf("no container %s", container)
	}
	groups, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		p.Fatal(err)
	}
	var pids []int
	for _, file := range groups {
		// A process may end meanwhile.
		if group, err := os.ReadFile(file); err != nil || !strings.Contains(string(group), id) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			p.Fatal(err)
		}
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	if len(pids) == 0 {
		p.Fatalf("no process of container %s", container)
	}
	return pids
}

// kill ends a container's processes with SIGKILL, as the kernel does when memory is short, and waits
// until the container was restarted.
func (p *pod) kill(container string) {
	p.Helper()
	before, pids := p.restarts(container), p.processes(container)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			p.Fatal(err)
		}
	}
	p.until("a restarted container "+container, func() bool { return p.restarts(container) > before })
}

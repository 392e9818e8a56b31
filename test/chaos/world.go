// Package chaos makes random faults in a pod, and asks the server itself, not reloader, what it runs.
package chaos

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// poll is reloader's poll interval: even without an event, a change is found within it.
const poll = 2 * time.Second

// world is a pod with a real Prometheus, a network between it and reloader that fails on demand, and a promcheck that
// does not always do its work.
type world struct {
	tb     testing.TB
	gated  bool
	dir    string
	volume *volume.Volume
	gate   string // empty in direct mode

	server   *container
	url      string // the server's own
	reloader *rig.Reloader
	net      *network
	stopped  bool   // the server has SIGSTOP
	check    string // the file that tells promcheck what to do
	config   string // reloader's configuration file
	password string // the file with reloader's password
	limit    string // the file that says how many watches reloader may have; missing: many
	space    string // a small file system for the gate; empty where none can be mounted
	more     *volume.Volume
	gone     bool // the mount is missing
	main     int  // what is mounted now; -1: invalid files
	rules    int  // the same for the volume of more rules
	huge     bool

	mu    sync.Mutex
	known map[string]generation // by digest
	// refused are the digests of files that no server can run.
	refused map[string]bool
}

// promcheckScript runs the real promcheck, or does what its file says when the question arrives, which may be some time after
// its start.
const promcheckScript = `#!/bin/sh
q=%[1]q.$$
cat >"$q"
exec <"$q"
rm "$q"
case "$(cat %[1]q 2>/dev/null)" in
hang) exec sleep 1000 ;;
die) kill -9 $$ ;;
noise) head -c 100000 /dev/urandom; exit 0 ;;
empty) exit 0 ;;
half) exec %[2]q "$@" | head -c 100; exit 0 ;;
lie) cat >/dev/null; echo '{"protocol":3,"library":"0.0.0","scheme":"utf8","broken":true,"findings":[{"file":0,"line":1,"severity":"error","rule":"lie","message":"a lie"}]}'; exit 0 ;;
praise) cat >/dev/null; echo '{"protocol":3,"library":"0.0.0","scheme":"utf8","expected":{"library":"0.0.0","main":"","text":1}}'; exit 0 ;;
esac
exec %[2]q "$@"
`

func newWorld(tb testing.TB, gated bool) *world {
	tb.Helper()
	w := &world{tb: tb, gated: gated, dir: tb.TempDir(), known: map[string]generation{}, refused: map[string]bool{}, net: &network{}}
	w.net.rotate("secret")
	w.password, w.limit = filepath.Join(w.dir, "password"), filepath.Join(w.dir, "limit")
	w.credentials()
	w.check, w.config = filepath.Join(w.dir, "check"), filepath.Join(w.dir, "own", "reloader.yml")
	script := filepath.Join(w.dir, "promcheck")
	rig.WriteProgram(tb, script, fmt.Sprintf(promcheckScript, w.check, rig.Program(tb, "promcheck")))
	mount := filepath.Join(w.dir, "mount")
	w.volume = volume.New(tb, mount, w.files(0))
	w.more = volume.New(tb, filepath.Join(w.dir, "more"), moreRules(0))
	main := filepath.Join(mount, "prometheus.yml")
	// In direct mode the server sees the mount at a different path, which can be made stale.
	served, seen := filepath.Join(w.dir, "served", "prometheus.yml"), main
	if gated {
		w.space = w.smallDisk()
		w.gate = filepath.Join(w.dir, "space", "gate")
		served = filepath.Join(w.gate, "prometheus.yml")
	} else {
		seen += "=" + served
		w.mountFresh()
	}
	address := rig.FreeAddress(tb)
	w.url = "http://" + address
	w.server = &container{args: []string{rig.PrometheusBinary(tb), "--config.file=" + served, "--storage.tsdb.path=" + filepath.Join(w.dir, "tsdb"),
		"--web.listen-address=" + address, "--web.enable-lifecycle", "--log.level=info"}}
	tb.Cleanup(func() { w.server.stop() })
	target, err := url.Parse(w.url)
	rig.Must(tb, err)
	proxy := newProxy(tb, w.net.handler(target))
	own := fmt.Sprintf("poll_interval: %s\npromcheck: %s\ntargets:\n- name: prometheus\n  kind: prometheus\n  url: %s\n  config_file: %s\n  dirs: [%s]\n  username: chaos\n  password_file: %s\n",
		poll, script, proxy, seen, w.more.Dir, w.password)
	if gated {
		own += "  gate: " + w.gate + "\n"
	}
	rig.WriteTree(tb, filepath.Dir(w.config), map[string]string{"reloader.yml": own})
	w.reloader = rig.NewReloaderIn(tb, []string{"sh", "-c", fmt.Sprintf(limitScript, w.limit), "sh"}, "--config", w.config)
	w.reloader.Restart = mayEnd(w.reloader.Log)
	w.learn(0)
	w.learnRules(0)
	return w
}

// mayEnd is true for ends of reloader that are no fault of its own, after which a kubelet starts the container again: its
// configuration file is invalid, or another program has its port. A program that crashes has a different last line.
func mayEnd(log *rig.Buffer) func(code int) bool {
	return func(code int) bool {
		all := strings.TrimSpace(log.String())
		last := all[strings.LastIndexByte(all, '\n')+1:]
		return strings.HasPrefix(last, "reloader run: ") &&
			(code == 2 && strings.Contains(last, "reloader.yml:") || code == 1 && strings.Contains(last, "address already in use"))
	}
}

// start starts reloader, and the server as soon as there is something to read.
func (w *world) start() {
	w.reloader.Start()
	if w.gated {
		rig.Eventually(w.tb, "a first generation", func() error {
			_, err := os.Stat(filepath.Join(w.gate, "prometheus.yml"))
			return err
		})
	}
	w.server.start()
}

// files is a good configuration that differs from every other one in what the server says about itself.
func (w *world) files(n int) map[string]string {
	rule := func(i int) string {
		return fmt.Sprintf("groups:\n- name: g%d-%d\n  rules:\n  - record: generation%d\n    expr: vector(%d)\n", n, i, i, n)
	}
	f := map[string]string{
		"prometheus.yml": fmt.Sprintf("global:\n  external_labels: {generation: g%d}\nrule_files: [\"*.rules.yml\", \"%s/*.yml\"]\n", n, w.moreSeen()),
		"a.rules.yml":    rule(1),
	}
	if n%3 != 0 {
		f[fmt.Sprintf("b%d.rules.yml", n%3)] = rule(2)
	}
	return f
}

// broken returns invalid files, which no server may read.
func (w *world) broken(n, kind int) map[string]string {
	f := w.files(n)
	switch kind {
	case 0:
		f["prometheus.yml"] = "global:\n  scrape_intervall: 15s\n"
	case 1:
		f["a.rules.yml"] = "groups:\n- name: g\n  rules:\n  - record: x\n    expr: sum(\n"
	case 2:
		f["a.rules.yml"] = "\x00 no yaml: ["
	case 3:
		f["prometheus.yml"] = ""
	case 4:
		f["a.rules.yml"] = "groups: [" + strings.Repeat("{},", 300_000) + "]\n"
	default:
		delete(f, "prometheus.yml")
	}
	return f
}

// brokenKinds is the number of kinds. A server would accept the kind with an empty main file.
const brokenKinds, emptyMain = 6, 3

// saysMain are the rule groups of generation n of the main volume, saysMore the one of the other volume.
func saysMain(n int) []string {
	groups := []string{fmt.Sprintf("g%d-1", n)}
	if n%3 != 0 {
		groups = append(groups, fmt.Sprintf("g%d-2", n))
	}
	return groups
}

func saysMore(n int) string { return fmt.Sprintf("more%d", n) }

// says is the answer of a server that runs these generations.
func says(n, rules int) string {
	groups := append(saysMain(n), saysMore(rules))
	slices.Sort(groups)
	return fmt.Sprintf("g%d %s", n, strings.Join(groups, " "))
}

// learn notes which generation the digest of the mounted files belongs to; n < 0: invalid files.
func (w *world) learn(n int) {
	w.main, w.huge = n, false
	w.note(w.volume.Dir, n)
}

// learnRefused notes files that every server refuses.
func (w *world) learnRefused(dir string) {
	digest, _, _ := strings.Cut(rig.Command(w.tb, "digest", dir).Stdout, " ")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused[digest] = true
}

// impossible says that the status names files that no server can run.
func (w *world) impossible(s reload.Status) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, digest := range s.Sources {
		if w.refused[digest.String()] {
			return true
		}
	}
	return false
}

func (w *world) learnRules(n int) {
	w.rules = n
	w.note(w.more.Dir, n)
}

func (w *world) note(dir string, n int) {
	if n < 0 {
		return
	}
	digest, _, _ := strings.Cut(rig.Command(w.tb, "digest", dir).Stdout, " ")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known[digest] = generation{n, dir == w.more.Dir}
}

// generation is a good change of the main volume, or of the one with more rules.
type generation struct {
	n    int
	more bool
}

// claims is what the server runs if the status is true; empty if the files are not known to be valid.
func (w *world) claims(s reload.Status) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return claimed(w.known, s, says)
}

// claimed is what a server runs, in the words of says, if it runs the good changes of both volumes that the status
// names; empty if the status names none for one of them.
func claimed(known map[string]generation, s reload.Status, says func(n, more int) string) string {
	n, more := -1, -1
	for _, digest := range s.Sources {
		if g, ok := known[digest.String()]; ok && g.more {
			more = g.n
		} else if ok {
			n = g.n
		}
	}
	if n < 0 || more < 0 {
		return ""
	}
	return says(n, more)
}

// serverSays is what the server itself says that it runs; an error while it cannot be asked.
func (w *world) serverSays() (string, error) {
	var config struct{ Data struct{ YAML string } }
	if err := rig.GetJSON(w.tb, w.url+"/api/v1/status/config", &config); err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(config.Data.YAML, "generation: ")
	if !ok {
		return "none", nil
	}
	generation, _, _ := strings.Cut(rest, "\n")
	var rules struct {
		Data struct{ Groups []struct{ Name string } }
	}
	if err := rig.GetJSON(w.tb, w.url+"/api/v1/rules", &rules); err != nil {
		return "", err
	}
	var groups []string
	for _, g := range rules.Data.Groups {
		groups = append(groups, g.Name)
	}
	slices.Sort(groups)
	return strings.Join(append([]string{generation}, groups...), " "), nil
}

package chaos

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"reloader/test/rig"
)

// operation is one operation on the world. It depends only on n, so that a sequence can be repeated, and parts
// of it can be left out.
type operation[W any] struct {
	name string
	n    int
	do   func(w W, n int)
}

func (o operation[W]) String() string { return fmt.Sprintf("%s(%d)", o.name, o.n) }

// kind is an operation whose weight says how often it happens.
type kind[W any] struct {
	weight int
	name   string
	do     func(w W, n int)
}

// kinds are what can happen to a pod with Prometheus.
var kinds = []kind[*world]{
	{10, "good", func(w *world, n int) { w.swap(n) }},
	{6, "bad", func(w *world, n int) {
		w.mountBack()
		w.swapBad(n, n%brokenKinds)
	}},
	{3, "revert", func(w *world, n int) { w.swap(n % 7) }},
	{3, "rules", func(w *world, n int) { w.swapRules(n) }},
	{2, "rules-bad", func(w *world, n int) { w.swapBadRules(n) }},
	{3, "both-volumes", func(w *world, n int) {
		w.swapRules(n)
		w.swap(n + 1)
	}},
	{1, "huge", func(w *world, n int) { w.swapHuge(n) }},
	{2, "same-again", func(w *world, _ int) { w.again() }},
	{2, "burst", func(w *world, n int) {
		for i := range 5 {
			w.swap(n*10 + i)
		}
	}},
	{3, "server-killed", func(w *world, _ int) {
		w.resume()
		w.server.signal(syscall.SIGKILL)
	}},
	{1, "server-away", func(w *world, _ int) {
		w.resume()
		w.server.stop()
	}},
	{1, "server-back", func(w *world, _ int) {
		w.server.start()
	}},
	{2, "server-hangs", func(w *world, _ int) {
		if w.server.running() {
			w.server.signal(syscall.SIGSTOP)
			w.stopped = true
		}
	}},
	{2, "server-goes-on", func(w *world, _ int) { w.resume() }},
	{3, "someone-else-reloads", func(w *world, _ int) { w.foreignReload() }},
	{2, "network-cut", func(w *world, _ int) { w.net.set("cut") }},
	{2, "network-500", func(w *world, _ int) { w.net.set("500") }},
	{2, "network-reset", func(w *world, _ int) { w.net.set("reset") }},
	{2, "answer-lost", func(w *world, _ int) { w.net.set("answer-lost") }},
	{1, "credentials-rotated", func(w *world, n int) { w.net.rotate(fmt.Sprintf("secret-%d", n)) }},
	{2, "credentials-follow", func(w *world, _ int) { w.credentials() }},
	{1, "server-other-flags", func(w *world, n int) { w.otherFlags(n) }},
	{1, "server-other-version", func(w *world, n int) { w.otherVersion(n) }},
	{2, "network-403", func(w *world, _ int) { w.net.set("403") }},
	{2, "network-slow", func(w *world, _ int) { w.net.set("slow") }},
	{5, "network-whole", func(w *world, _ int) { w.net.set("") }},
	{3, "reloader-killed", func(w *world, _ int) {
		w.reloader.Kill()
		w.startReloader()
	}},
	{1, "reloader-stopped", func(w *world, _ int) {
		if _, err := w.reloader.Status(); err != nil { // a signal kills any program that has not started completely
			w.reloader.Kill()
		} else if code := w.reloader.Stop(); code != 0 {
			w.tb.Errorf("reloader ended with exit code %d", code)
		}
		w.startReloader()
	}},
	{2, "hup", func(w *world, _ int) { hangUp(w.reloader) }},
	{1, "promcheck-hangs", func(w *world, _ int) { w.promcheck("hang") }},
	{1, "promcheck-dies", func(w *world, _ int) { w.promcheck("die") }},
	{1, "promcheck-noise", func(w *world, _ int) { w.promcheck("noise") }},
	{1, "promcheck-empty", func(w *world, _ int) { w.promcheck("empty") }},
	{1, "promcheck-lies", func(w *world, _ int) { w.promcheck("lie") }},
	{2, "promcheck-praises", func(w *world, n int) { w.praise(n) }},
	{1, "promcheck-half", func(w *world, _ int) { w.promcheck("half") }},
	{5, "promcheck-works", func(w *world, _ int) { _ = os.Remove(w.check) }},
	{1, "mount-away", func(w *world, _ int) { w.mountAway() }},
	{1, "mount-gone", func(w *world, _ int) { w.unmount(false) }},
	{1, "mount-empty", func(w *world, _ int) { w.unmount(true) }},
	{1, "mount-replaced", func(w *world, n int) { w.replaceMount(n) }},
	{1, "queue-overflow", func(w *world, n int) { w.overflow(n) }},
	{1, "watches-exhausted", func(w *world, _ int) { w.exhaustWatches() }},
	{1, "disk-full", func(w *world, _ int) { w.fillDisk() }},
	{2, "disk-free", func(w *world, _ int) { w.freeDisk() }},
	{1, "own-file-broken", func(w *world, _ int) { w.breakOwnFile() }},
	{2, "server-mount-stale", func(w *world, _ int) {
		if !w.gated {
			w.mountStale()
		}
	}},
	{3, "server-mount-made-again", func(w *world, _ int) {
		if !w.gated {
			w.mountFresh()
		}
	}},
	{2, "own-file", func(w *world, n int) { w.editOwnFile(n) }},
}

// sequence is the sequence of operations of a seed.
func sequence[W any](kinds []kind[W], seed uint64, length int) []operation[W] {
	random := rand.New(rand.NewPCG(seed, 1))
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	var all []operation[W]
	for i := range length {
		at := random.IntN(total)
		for _, k := range kinds {
			if at -= k.weight; at < 0 {
				all = append(all, operation[W]{k.name, i + 10, k.do})
				break
			}
		}
	}
	return all
}

func (w *world) swap(n int) {
	w.mountBack()
	w.volume.Swap(w.files(n))
	w.learn(n)
}

// hangUp sends SIGHUP if reloader answers: a signal kills any program that has not started completely.
func hangUp(r *rig.Reloader) {
	if _, err := r.Status(); err == nil {
		_ = syscall.Kill(r.PID(), syscall.SIGHUP)
	}
}

func (w *world) swapBad(n, kind int) {
	w.volume.Swap(w.broken(n, kind))
	w.learn(-1)
	if kind != emptyMain {
		w.learnRefused(w.volume.Dir)
	}
}

// praise makes broken files, and a promcheck that calls them good: then the server must refuse them, and reloader must
// report it. With a gate the files would get to where only good ones are promised, so this is not done there.
func (w *world) praise(n int) {
	if w.gated {
		return
	}
	w.promcheck("praise")
	w.mountBack()
	w.swapBad(n, n%emptyMain)
}

// again swaps to the same contents: the kubelet does that when only metadata changed.
func (w *world) again() {
	if w.main >= 0 {
		w.swap(w.main)
	}
}

func (w *world) resume() {
	if w.stopped {
		w.server.signal(syscall.SIGCONT)
		w.stopped = false
	}
}

func (w *world) promcheck(what string) {
	if err := os.WriteFile(w.check, []byte(what), 0o600); err != nil {
		w.tb.Error(err)
	}
}

// foreignReload makes the server load the current files, as another reloader or a person would.
func (w *world) foreignReload() {
	if w.stopped || !w.server.running() {
		return
	}
	req, err := http.NewRequestWithContext(w.tb.Context(), http.MethodPost, w.url+"/-/reload", nil)
	if err != nil {
		w.tb.Error(err)
		return
	}
	client := http.Client{Timeout: 5 * time.Second}
	if resp, err := client.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}

// mountAway removes the mounted directory for a moment.
func (w *world) mountAway() {
	w.mountBack()
	away := w.volume.Dir + ".away"
	if err := os.Rename(w.volume.Dir, away); err != nil {
		w.tb.Error(err)
		return
	}
	time.Sleep(50 * time.Millisecond)
	if err := os.Rename(away, w.volume.Dir); err != nil {
		w.tb.Error(err)
	}
}

// editOwnFile changes a setting of the target in reloader's configuration file.
func (w *world) editOwnFile(n int) {
	b, err := os.ReadFile(w.config)
	if err != nil {
		w.tb.Error(err)
		return
	}
	text, _, _ := strings.Cut(string(b), edited)
	w.writeOwnFile(text + fmt.Sprintf("%s\n  reload_timeout: %dm\n", edited, 2+n%5))
}

// edited is where the additions to reloader's configuration file begin.
const edited = "# edited"

func (w *world) writeOwnFile(text string) {
	temp := w.config + ".new"
	if err := os.WriteFile(temp, []byte(text), 0o600); err != nil {
		w.tb.Error(err)
		return
	}
	if err := os.Rename(temp, w.config); err != nil {
		w.tb.Error(err)
	}
}

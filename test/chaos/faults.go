package chaos

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"reloader/test/rig"
	"reloader/test/volume"
)

// mountFresh lets the server see what is mounted now and later.
func (w *world) mountFresh() {
	served := filepath.Join(w.dir, "served")
	rig.Must(w.tb, os.RemoveAll(served))
	rig.Must(w.tb, os.Symlink(w.volume.Dir, served))
}

// mountStale keeps the current files for the server, as a subPath mount of single files does.
func (w *world) mountStale() {
	entries, err := os.ReadDir(w.volume.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return // it is missing, so there are no current files
	}
	rig.Must(w.tb, err)
	served := filepath.Join(w.dir, "served")
	rig.Must(w.tb, os.RemoveAll(served))
	rig.Must(w.tb, os.Mkdir(served, 0o755))
	for _, e := range entries {
		if b, err := os.ReadFile(filepath.Join(w.volume.Dir, e.Name())); err == nil {
			rig.Must(w.tb, os.WriteFile(filepath.Join(served, e.Name()), b, 0o644))
		}
	}
}

// heal ends every fault.
func (w *world) heal() {
	if !w.gated {
		w.mountFresh()
	}
	w.mountBack()
	w.freeDisk()
	w.credentials()
	w.mendOwnFile()
	_ = os.Remove(w.limit)
	w.net.set("")
	_ = os.Remove(w.check)
	if w.stopped {
		w.server.signal(syscall.SIGCONT)
		w.stopped = false
	}
	w.server.start()
	if !w.reloader.Running() {
		w.reloader.Start()
	}
}

// moreSeen is where the server sees the volume of more rules.
func (w *world) moreSeen() string {
	if w.gated {
		return "more"
	}
	return filepath.Join(w.dir, "more")
}

func moreRules(n int) map[string]string {
	return map[string]string{"more.yml": fmt.Sprintf("groups:\n- name: %s\n  rules:\n  - record: more\n    expr: vector(%d)\n", saysMore(n), n)}
}

func (w *world) swapRules(n int) {
	w.more.Swap(moreRules(n))
	w.learnRules(n)
}

func (w *world) swapBadRules(n int) {
	f := moreRules(n)
	f["more.yml"] += "  - record: x\n    expr: sum(\n"
	w.more.Swap(f)
	w.rules = -1
}

// swapHuge makes a good change with 5,000 more rules, in a group with the usual name.
func (w *world) swapHuge(n int) {
	w.mountBack()
	f := w.files(n)
	var b strings.Builder
	b.WriteString(f["a.rules.yml"])
	for i := range 5000 {
		fmt.Fprintf(&b, "  - record: huge%d\n    expr: vector(%d)\n", i, i)
	}
	f["a.rules.yml"] = b.String()
	w.volume.Swap(f)
	w.learn(n)
	w.huge = true
}

// credentials gives reloader the password that the server expects now.
func (w *world) credentials() {
	rig.Must(w.tb, os.WriteFile(w.password, []byte(*w.net.password.Load()), 0o600))
}

// otherFlags starts the server again with other flags.
func (w *world) otherFlags(n int) {
	w.resume()
	flags := []string{"--enable-feature=promql-experimental-functions", "--query.timeout=1m", "--web.external-url=/"}
	w.server.with(flags[n%len(flags)])
}

// otherVersion restarts the server, which then claims another version.
func (w *world) otherVersion(n int) {
	w.resume()
	w.net.version.Store(int64(n%4 + 13)) // 3.13 to 3.16
	w.server.signal(syscall.SIGKILL)
}

// unmount removes the mount until the next change; with empty its mount point stays.
func (w *world) unmount(empty bool) {
	w.mountBack()
	rig.Must(w.tb, os.Rename(w.volume.Dir, w.volume.Dir+".away"))
	w.gone = true
	if empty {
		rig.Must(w.tb, os.Mkdir(w.volume.Dir, 0o755))
	}
}

func (w *world) mountBack() {
	if !w.gone {
		return
	}
	_ = os.Remove(w.volume.Dir) // it may not exist
	rig.Must(w.tb, os.Rename(w.volume.Dir+".away", w.volume.Dir))
	w.gone = false
}

// replaceMount replaces the mount by a directory with a new good change.
func (w *world) replaceMount(n int) {
	w.mountBack()
	dir := w.volume.Dir
	volume.New(w.tb, dir+".new", w.files(n))
	rig.Must(w.tb, os.Rename(dir, dir+".old"))
	rig.Must(w.tb, os.Rename(dir+".new", dir))
	rig.Must(w.tb, os.RemoveAll(dir+".old"))
	w.volume = volume.Open(w.tb, dir)
	w.learn(n)
}

// overflow makes more events in the mount than the kernel's queue can hold while reloader is stopped.
func (w *world) overflow(n int) {
	w.mountBack()
	pid := w.reloader.PID()
	rig.Must(w.tb, syscall.Kill(pid, syscall.SIGSTOP))
	for range 9000 {
		name := filepath.Join(w.volume.Dir, "..chaos")
		rig.Must(w.tb, os.WriteFile(name, nil, 0o600))
		rig.Must(w.tb, os.Remove(name))
	}
	w.swap(n)
	rig.Must(w.tb, syscall.Kill(pid, syscall.SIGCONT))
}

// limitScript starts reloader in a user namespace with few watches, if its file says so. For reloader that is the same as if all
// watches of its user were in use.
const limitScript = `limit=$(cat %q 2>/dev/null)
[ -n "$limit" ] && unshare -Ur true 2>/dev/null || exec "$@"
exec unshare -Ur setpriv --pdeathsig KILL sh -c 'echo "$0" >/proc/sys/user/max_inotify_watches; exec "$@"' "$limit" "$@"
`

// exhaustWatches restarts reloader with only one watch available.
func (w *world) exhaustWatches() {
	rig.Must(w.tb, os.WriteFile(w.limit, []byte("1"), 0o600))
	w.reloader.Kill()
	w.startReloader()
}

// smallDisk mounts a file system of 3 MiB for the gate; only root can.
func (w *world) smallDisk() string {
	dir := filepath.Join(w.dir, "space")
	rig.Must(w.tb, os.MkdirAll(dir, 0o755))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		return ""
	}
	w.tb.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			w.tb.Error(err)
		}
	})
	return dir
}

// fillDisk leaves no space for a generation of the gate.
func (w *world) fillDisk() {
	if w.space == "" {
		return
	}
	f, err := os.Create(filepath.Join(w.space, "filler"))
	rig.Must(w.tb, err)
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}

func (w *world) freeDisk() {
	if w.space != "" {
		_ = os.Remove(filepath.Join(w.space, "filler")) // it may not exist
	}
}

// startReloader starts reloader with a valid configuration file: with a broken one it would end with an error.
func (w *world) startReloader() {
	w.mendOwnFile()
	w.reloader.Start()
}

// breakOwnFile makes reloader's configuration file invalid.
func (w *world) breakOwnFile() {
	b, err := os.ReadFile(w.config)
	rig.Must(w.tb, err)
	text, _, _ := strings.Cut(string(b), edited)
	w.writeOwnFile(text + edited + "\n  reload_timeoutt: 3m\n")
}

func (w *world) mendOwnFile() {
	if b, err := os.ReadFile(w.config); err == nil && strings.Contains(string(b), "timeoutt") {
		text, _, _ := strings.Cut(string(b), edited)
		w.writeOwnFile(text)
	}
}

// active are the current faults, which heal ends.
func (w *world) active() []string {
	var all []string
	add := func(name string, is bool) {
		if is {
			all = append(all, name)
		}
	}
	if fault := *w.net.fault.Load(); fault != "" {
		all = append(all, map[string]string{"cut": "connections closed", "reset": "connections reset", "500": "answers 500", "403": "a proxy allows only the reload", "slow": "answers 0.3 s late", "answer-lost": "the reload is done, its answer lost"}[fault])
	}
	if b, err := os.ReadFile(w.check); err == nil {
		all = append(all, map[string]string{"hang": "promcheck hangs", "die": "promcheck is killed", "noise": "promcheck writes garbage", "empty": "promcheck says nothing", "half": "promcheck's answer is cut", "lie": "promcheck calls good files bad", "praise": "promcheck calls bad files good"}[string(b)])
	}
	add("server stopped (SIGSTOP)", w.stopped)
	add("server away", !w.server.running())
	add("mount away or empty", w.gone)
	b, _ := os.ReadFile(w.password)
	add("password rotated on the server alone", string(b) != *w.net.password.Load())
	_, err := os.Stat(w.limit)
	add("inotify watches used up", err == nil)
	_, err = os.Stat(filepath.Join(w.space, "filler"))
	add("the gate's disk full", w.space != "" && err == nil)
	b, _ = os.ReadFile(w.config)
	add("reloader's own file broken", strings.Contains(string(b), "timeoutt"))
	info, err := os.Lstat(filepath.Join(w.dir, "served"))
	add("the server's mount stale", err == nil && info.IsDir())
	add("the newest files broken", w.main < 0 || w.rules < 0)
	return all
}

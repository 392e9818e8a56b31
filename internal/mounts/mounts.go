// Package mounts finds the mounts of this container that the kubelet never updates.
package mounts

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"reloader/internal/lazyregexp"
)

// SubPathRule is the name of the finding for a mount that no update will ever reach.
const SubPathRule = "subpath-mount"

// Mount is a subPath mount of a ConfigMap, Secret or projected volume. The kubelet swaps
// the volume's directory, but such a mount keeps the one from when the container
// started, so no update ever arrives.
type Mount struct {
	// Path is where the mount is in this container.
	Path string
	// File is the mounted file or directory, relative to the volume.
	File string
	// Volume is the volume's name in the pod and Kind its kind ("ConfigMap"). Both are empty
	// for Secrets, whose mounts do not show them.
	Volume, Kind string
	// Missed says that at least one update has not arrived.
	Missed bool
}

// String says in one line what is wrong and what to write instead.
func (m Mount) String() string {
	volume := "its volume"
	if m.Volume != "" {
		volume = "volume " + m.Volume + " (" + m.Kind + ")"
	}
	state := "never changes in a running pod"
	if m.Missed {
		state = "has missed an update and will miss all others"
	}
	return fmt.Sprintf("%s is a subPath mount of %q and %s: mount %s as the directory %s, without subPath (reloader inject does it)",
		m.Path, m.File, state, volume, path.Dir(m.Path))
}

// generation is the name of the directory behind ..data: the kubelet's time stamp.
var generation = lazyregexp.New(`^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+$`)

// Frozen finds such mounts in the text of /proc/self/mountinfo. Neither a directory mount of a
// volume nor a subPath of a host path or claim has a time stamp in its root.
func Frozen(r io.Reader) ([]Mount, error) {
	var list []Mount
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		// 36 35 98:0 /root /mount/point options - type source options; see proc(5).
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		if m, ok := frozen(unescape(fields[3]), unescape(fields[4])); ok {
			list = append(list, m)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	return list, nil
}

func frozen(root, at string) (Mount, bool) {
	m := Mount{Path: at}
	if r, deleted := strings.CutSuffix(root, "//deleted"); deleted {
		root, m.Missed = r, true
	}
	parts := strings.Split(root, "/")
	for i, part := range parts {
		if !generation().MatchString(part) {
			continue
		}
		m.File = strings.Join(parts[i+1:], "/")
		if m.File == "" {
			return m, false // a bind mount of a whole generation, which the kubelet never makes
		}
		if i >= 2 {
			if kind := kinds[parts[i-2]]; kind != "" {
				m.Kind, m.Volume = kind, parts[i-1]
			}
		}
		return m, true
	}
	return m, false
}

// kinds maps the kubelet's directory names to kinds of volumes.
var kinds = map[string]string{
	"kubernetes.io~configmap":    "ConfigMap",
	"kubernetes.io~secret":       "Secret",
	"kubernetes.io~projected":    "projected",
	"kubernetes.io~downward-api": "downwardAPI",
}

// unescape undoes the octal escapes for blank, tab, line feed and backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// OwnFrozen finds such mounts of this process; none where there is no /proc.
func OwnFrozen() ([]Mount, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find subPath mounts: %w", err)
	}
	defer f.Close()
	return Frozen(f)
}

// OwnPoints returns the mount points of this container.
func OwnPoints() ([]string, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read reloader's own mounts: %w", err)
	}
	var list []string
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 4 {
			list = append(list, unescape(fields[4]))
		}
	}
	return list, nil
}

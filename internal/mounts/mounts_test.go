package mounts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The lines are from a real kubelet: directory mounts, subPath mounts on disk and in memory,
// one after a missed update, a subPath of a host path.
const mountinfo = `1180 1050 0:151 / / ro,relatime master:300 - overlay overlay rw,lowerdir=/a:/b
1190 1180 253:0 /var/lib/kubelet/pods/7e0b/volumes/kubernetes.io~configmap/cm /etc/dir ro,relatime - ext4 /dev/vda1 rw
1191 1180 253:0 /var/lib/kubelet/pods/7e0b/volumes/kubernetes.io~configmap/cm/..2026_11_22_11_03_59.953371451/sub.yml /etc/sub/sub.yml ro,relatime - ext4 /dev/vda1 rw
1192 1180 0:99 /..2026_11_22_11_08_56.4036207981/password /etc/secsub/password ro,relatime - tmpfs tmpfs rw,size=65536k
1193 1180 0:98 / /etc/secret ro,relatime - tmpfs tmpfs rw,size=65536k
1194 1180 253:0 /var/lib/kubelet/pods/7e0b/volumes/kubernetes.io~projected/all/..2026_11_22_11_03_59.1/rules/a.yml//deleted /etc/my\040rules/a.yml ro - ext4 /dev/vda1 rw
1195 1180 253:0 /home/me/prometheus.yml /etc/prometheus/prometheus.yml ro - ext4 /dev/vda1 rw
1196 1180 253:0 /home/me/..2026_backup/prometheus.yml /etc/backup.yml ro - ext4 /dev/vda1 rw
1197
`

// Exactly the frozen mounts are found, with their path, file, volume and kind.
func TestFrozen(t *testing.T) {
	t.Parallel()
	got, err := Frozen(strings.NewReader(mountinfo))
	if err != nil {
		t.Fatal(err)
	}
	want := []Mount{
		{Path: "/etc/sub/sub.yml", File: "sub.yml", Volume: "cm", Kind: "ConfigMap"},
		{Path: "/etc/secsub/password", File: "password"},
		{Path: "/etc/my rules/a.yml", File: "rules/a.yml", Volume: "all", Kind: "projected", Missed: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The message names the mount, the volume and what to write.
func TestFrozenMountString(t *testing.T) {
	t.Parallel()
	m := Mount{Path: "/etc/sub/sub.yml", File: "sub.yml", Volume: "cm", Kind: "ConfigMap"}
	want := `/etc/sub/sub.yml is a subPath mount of "sub.yml" and never changes in a running pod: mount volume cm (ConfigMap) as the directory /etc/sub, without subPath (reloader inject does it)`
	if got := m.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The mounts of this machine can be read.
func TestOwnFrozen(t *testing.T) {
	t.Parallel()
	if _, err := OwnFrozen(); err != nil {
		t.Error(err)
	}
}

// FuzzFrozen: no text makes it panic, and each mount has a path and a file.
func FuzzFrozen(f *testing.F) {
	f.Add(mountinfo)
	f.Add("1 2 0:1 /..2026_11_22_11_08_56.1/a\\040b /x - tmpfs")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Frozen(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, m := range list {
			if m.File == "" || m.Path == "" || !strings.Contains(text, "..") {
				t.Errorf("%+v from %q", m, text)
			}
		}
	})
}

package grafana

import (
	"testing"

	"reloader/internal/snapshot"
	"reloader/test/rig"
)

// The digest of a provisioning directory on a laptop equals the one in the status of a running reloader. Files that Grafana does
// not read make no difference.
func TestDigestOfProvisioning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		rig.WriteTree(t, dir, map[string]string{name: text})
	}
	here := func() snapshot.Digest {
		s, err := snapshot.Take(t.Context(), snapshot.Source{Dir: dir}, snapshot.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return DigestDir(s)
	}
	shown := func() map[string]snapshot.Digest {
		set, err := NewReader(snapshot.Limits{}, Sources(dir, "")...).Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return set.Digests()
	}
	write("datasources/b.yaml", "b")
	if all := shown(); all["provisioning"] != here() || all["provisioning"] == all["datasources"] {
		t.Errorf("one kind: %v, here %s", all, here())
	}
	write("alerting/a.yaml", "a")
	write("datasources/a.yaml", "a")
	before := shown()["provisioning"]
	if before != here() {
		t.Errorf("two kinds: %v, here %s", shown(), here())
	}
	write("README.md", "about it")
	write("old/datasources/a.yaml", "c")
	if shown()["provisioning"] != before || here() != before {
		t.Errorf("with files that Grafana does not read: %v, here %s, before %s", shown(), here(), before)
	}
	write("alerting/a.yaml", "changed")
	if d := here(); d == before || d != shown()["provisioning"] {
		t.Errorf("after a change: here %s, shown %v, before %s", d, shown(), before)
	}
	write("prometheus.yml", "") // a directory of files is read as a whole
	plain, err := snapshot.Take(t.Context(), snapshot.Source{Dir: dir}, snapshot.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if here() != plain.Digest {
		t.Error("a directory of Prometheus counts as Grafana's")
	}
}

package watch

import (
	"os"
	"path/filepath"
	"testing"

	"reloader/test/rig"
)

// Links to files and directories outside of the watched directory are followed: a swap, a write and a changed link there cause
// hints.
func TestLinkIntoAnotherVolume(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	at := func(n string) string { return filepath.Join(top, n) }
	rig.Must(t, os.MkdirAll(at("etc"), 0o755))
	rig.Must(t, os.MkdirAll(at("away"), 0o755))
	swap(t, at("away"), 0, "1")
	put(t, at("one/rules/r"), "1")
	put(t, at("two/rules/r"), "2")
	put(t, at("plain"), "1")
	for link, to := range map[string]string{"etc/p.yml": "../away/p.yml", "etc/rules": "../current/rules", "etc/plain.yml": at("plain"), "current": "one"} {
		rig.Must(t, os.Symlink(to, at(link)))
	}
	s := start(t, Options{Interval: never}).Subscribe([]string{at("etc")})
	until(t, s, "subscribing", func() bool { return true })
	for n, text := range []string{"2", "3"} {
		step(t, s, "the other volume is swapped", func() { swap(t, at("away"), n+1, text) }, holds(at("etc/p.yml"), text))
	}
	step(t, s, "the file is written", func() { put(t, at("plain"), "2") }, holds(at("etc/plain.yml"), "2"))
	step(t, s, "a link on the path is changed", func() {
		rig.Must(t, os.Symlink("two", at("tmp")))
		rig.Must(t, os.Rename(at("tmp"), at("current")))
	}, holds(at("etc/rules/r"), "2"))
	step(t, s, "a file behind it is written", func() { put(t, at("two/rules/r"), "3") }, holds(at("etc/rules/r"), "3"))
}

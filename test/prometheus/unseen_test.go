package prometheus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// A guard still works after a restart of reloader, because reloader asks the server what runs.
func TestGuardAfterARestart(t *testing.T) {
	t.Parallel()
	for guard, c := range map[string]struct{ before, after map[string]string }{
		"guard-no-scrape-jobs": {
			map[string]string{"prometheus.yml": rig.Jobs("", "self")}, map[string]string{"prometheus.yml": "global: {scrape_interval: 10s}\n"},
		},
		"guard-no-rule-groups": {
			map[string]string{"prometheus.yml": rig.Jobs("rule_files: ['*.rules']\n", "self"), "a.rules": rules("up == 0")},
			map[string]string{"prometheus.yml": rig.Jobs("rule_files: ['*.rules']\n", "self")},
		},
	} {
		t.Run(guard, func(t *testing.T) {
			t.Parallel()
			v := volume.New(t, filepath.Join(t.TempDir(), "v"), c.before)
			server := rig.NewPrometheus(t, filepath.Join(v.Dir, "prometheus.yml"))
			p := startPair(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"))
			p.synced()
			posts := server.Posts.Load()
			guarded := func(s reload.Status) bool {
				return s.Phase == reload.Rejected && len(s.Findings) > 0 && s.Findings[0].Rule == guard
			}
			v.Swap(c.after)
			p.Reaches("held back", guarded)
			p.Stop()
			p.Start()
			p.Reaches("held back after a restart", guarded)
			if n := server.Posts.Load() - posts; n != 0 {
				t.Errorf("%d reload requests", n)
			}
		})
	}
}

// The jobs and rules are in volumes that only the server has. In reloader's container their mount points are empty directories. No guard treats the
// jobs and rules as gone, and the status names the directories.
func TestEmptyMountPoint(t *testing.T) {
	t.Parallel()
	theirs := newVolume(t, "jobs.yml", rig.Jobs("", "self"))
	groups := newVolume(t, "a.yml", rules("up == 0"))
	main := func(interval string) string {
		return "global: {scrape_interval: " + interval + "}\nscrape_config_files: ['" + theirs.Dir + "/*.yml']\nrule_files: ['" + groups.Dir + "/*.yml']\n"
	}
	v := newVolume(t, "prometheus.yml", main("15s"))
	config := filepath.Join(v.Dir, "prometheus.yml")
	server := rig.NewPrometheus(t, config)
	server.Start()
	server.Ready()
	empty := t.TempDir()
	hide := "mount --bind " + empty + " " + theirs.Dir + "; mount --bind " + empty + " " + groups.Dir + "; exec \"$@\""
	r := rig.NewReloaderIn(t, []string{"unshare", "-m", "sh", "-ec", hide, "sh"},
		"--prometheus-url", server.Proxy, "--prometheus-config", config, "--poll-interval", "2s")
	r.Start()
	p := &pair{r, t, server, v}
	p.synced()
	v.Swap(map[string]string{"prometheus.yml": main("20s")})
	rig.Eventually(t, "the server runs the change", func() error { return server.Runs("scrape_interval: 20s") })
	s := p.synced()
	said := strings.Join(s.NotCompared, "\n")
	for _, f := range s.Findings {
		said += "\n" + f.Message
	}
	for _, dir := range []string{theirs.Dir, groups.Dir} {
		if !strings.Contains(said, dir) {
			t.Errorf("nothing mentions %s:\n%s", dir, said)
		}
	}
}

// The server has its own copy of the rules. In it, a file changes that is unchanged for reloader. The next reload, for another file, loads
// that change too, and the files are never called live.
func TestOtherCopyOfAnUnchangedFile(t *testing.T) {
	t.Parallel()
	files := func(a string) map[string]string {
		return map[string]string{"a.yml": rules(a), "b.yml": strings.Replace(rules("up == 7"), "name: g", "name: h", 1)}
	}
	r := volume.New(t, filepath.Join(t.TempDir(), "r"), files("up == 0"))
	copied := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(copied, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files("up == 0") {
		write(name, text)
	}
	v := newVolume(t, "prometheus.yml", rig.Jobs("rule_files: ['"+r.Dir+"/*.yml']\n", "self"))
	server := rig.NewPrometheusIn(t, filepath.Join(v.Dir, "prometheus.yml"), "mount --bind "+copied+" "+r.Dir)
	p := startPair(t, server, v, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"))
	first := p.synced()
	write("b.yml", strings.Replace(rules("up == 8"), "name: g", "name: h", 1))
	write("a.yml", rules("up == 1"))
	r.Swap(files("up == 1"))
	p.Reaches("the change is seen", func(s reload.Status) bool { return s.Wanted != first.Wanted })
	end := p.never()
	p.mismatches("b.yml")
	end()
	write("b.yml", files("")["b.yml"])
	p.Reread()
	p.synced()
}

// While reloader is down, a link above the directory is set back to an older release. No file is newer than the server's start, but the
// server runs the other release. InSync means that it runs the older one.
func TestLinkAboveTheDirectory(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for release, job := range map[string]string{"one": "old", "two": "new"} {
		rig.WriteTree(t, root, map[string]string{release + "/prometheus.yml": rig.Jobs("", job)})
	}
	turn := func(to string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(root, "tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(root, "tmp"), filepath.Join(root, "current")); err != nil {
			t.Fatal(err)
		}
	}
	turn("two")
	config := filepath.Join(root, "current", "prometheus.yml")
	server := rig.NewPrometheus(t, config)
	p := startPair(t, server, nil, "--prometheus-config", config)
	p.synced()
	p.Stop()
	turn("one")
	p.Start()
	p.Reaches("in sync on what the server really runs", func(s reload.Status) bool {
		if s.Phase != reload.InSync {
			return false
		}
		if err := server.Runs("old"); err != nil {
			t.Error(err)
		}
		return true
	})
}

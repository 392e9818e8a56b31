package prometheus

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// every is a configuration with a file of each kind. Each file contains a number of its own.
type every struct {
	// dir is how patterns name the directory, with its slash; empty: relative.
	dir string
	// padding makes the main file large.
	padding string
}

func (e every) files(main, rule, scrape, target int) map[string]string {
	return map[string]string{
		"prometheus.yml": rig.Jobs(fmt.Sprintf("global: {scrape_interval: %ds}\nrule_files: ['%s*.rules']\nscrape_config_files: ['%s*.scrape']\n", 10+main, e.dir, e.dir), "self") +
			"- job_name: found\n  file_sd_configs: [{files: ['" + e.dir + "*.json']}]\n" + e.padding,
		"a.rules":   rules(fmt.Sprintf("up == %d", rule)),
		"b.scrape":  fmt.Sprintf("scrape_configs: [{job_name: file, static_configs: [{targets: ['127.0.0.1:%d']}]}]\n", 10_000+scrape),
		"c.json":    fmt.Sprintf(`[{"targets": ["127.0.0.1:%d"]}]`, 20_000+target),
		"other.txt": "no one reads this",
	}
}

// runs returns an error unless the server itself shows these numbers.
func (e every) runs(t *testing.T, server *rig.Prometheus, main, rule, scrape, target int) error {
	t.Helper()
	if err := server.Runs(fmt.Sprintf("scrape_interval: %ds", 10+main)); err != nil {
		return err
	}
	if err := runsRule(t, server, fmt.Sprintf("up == %d", rule)); err != nil {
		return err
	}
	body, err := rig.Get(t, server.URL+"/api/v1/targets?state=active")
	for _, port := range []int{10_000 + scrape, 20_000 + target} {
		if address := fmt.Sprintf("127.0.0.1:%d", port); err == nil && !strings.Contains(body, address) {
			err = fmt.Errorf("no target %s", address)
		}
	}
	return err
}

// Each kind of file changes alone, with small and large main files and with different ways to name the files. The server runs each
// change, and that is proven. A broken file is rejected, and its repair is live. A change of targets needs no reload.
func TestEveryKindOfFile(t *testing.T) {
	t.Parallel()
	megabyte := strings.Repeat("# "+strings.Repeat("x", 97)+"\n", 10_000)
	for name, c := range map[string]struct {
		data   bool
		size   int // MB
		zipped bool
	}{
		"through data":          {data: true},
		"zipped":                {zipped: true},
		"zipped, 12 MB":         {zipped: true, size: 12},
		"8 MB and through data": {data: true, size: 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			dir, read := filepath.Join(top, "v"), filepath.Join(top, "v")
			if c.zipped {
				read = filepath.Join(top, "gate")
			}
			e := every{padding: strings.Repeat(megabyte, c.size)}
			if c.data {
				e.dir = read + "/..data/"
			}
			files := func(main, rule, scrape, target int) map[string]string {
				all := e.files(main, rule, scrape, target)
				if c.zipped {
					for name, text := range all {
						delete(all, name)
						all[name+".gz"] = zipped(t, text)
					}
				}
				return all
			}
			v := volume.New(t, dir, files(0, 0, 0, 0))
			server := rig.NewPrometheus(t, filepath.Join(read, "prometheus.yml"))
			p := &pair{t: t, server: server, main: v}
			if c.zipped {
				config := filepath.Join(top, "reloader.yml")
				rig.Must(t, os.WriteFile(config, fmt.Appendf(nil, "targets:\n- name: prometheus\n  kind: prometheus\n  url: %s\n  config_file: %s\n  gate: %s\n  gunzip: true\n",
					server.Proxy, filepath.Join(dir, "prometheus.yml"), read), 0o600))
				if o := rig.Command(t, "once", "--config", config); o.Code != 0 {
					t.Fatalf("once: %+v", o)
				}
				p.Reloader = rig.NewReloader(t, "--config", config)
			} else {
				p.Reloader = rig.NewReloader(t, "--prometheus-url", server.Proxy, "--prometheus-config", filepath.Join(dir, "prometheus.yml"))
			}
			server.Start()
			server.Ready()
			p.Start()
			live := func(main, rule, scrape, target int) {
				t.Helper()
				rig.Eventually(t, "the server runs the change", func() error { return e.runs(t, server, main, rule, scrape, target) })
				s := p.synced()
				if !c.zipped { // the files in the gate have another digest
					s = p.ReachesWith(dir, reload.InSync)
				}
				if s.Counts.Mismatches > 0 || len(s.NotCompared) > 0 {
					t.Errorf("%d mismatches, not compared %q", s.Counts.Mismatches, s.NotCompared)
				}
			}
			live(0, 0, 0, 0)
			posts := server.Posts.Load()
			changes := [][4]int{{0, 1, 0, 0}, {0, 1, 1, 0}, {1, 1, 1, 0}, {1, 1, 1, 1}}
			mistakes := map[string]string{
				"a.rules": rules("up == ("), "b.scrape": "scrape_configs: [{job_name: file, scrape_interval: never}]\n", "c.json": `[{"targets": "127.0.0.1:1"}]`,
			}
			if c.size > 0 { // each verdict takes seconds
				changes, mistakes = changes[:1], map[string]string{"a.rules": mistakes["a.rules"]}
			}
			last := changes[len(changes)-1]
			for i, n := range changes {
				v.Swap(files(n[0], n[1], n[2], n[3]))
				live(n[0], n[1], n[2], n[3])
				if got, want := server.Posts.Load()-posts, min(int64(i+1), 3); got != want {
					t.Errorf("%d reload requests after %d changes, want %d", got, i+1, want)
				}
			}
			for file, text := range mistakes {
				broken := files(last[0], last[1], last[2], last[3])
				if c.zipped {
					broken[file+".gz"] = zipped(t, text)
				} else {
					broken[file] = text
				}
				v.Swap(broken)
				p.Reaches(file+" is rejected", func(s reload.Status) bool {
					return s.Phase == reload.Rejected && len(s.Findings) > 0 && strings.Contains(s.Findings[0].File, file)
				})
			}
			v.Swap(files(last[0], 2, last[2], last[3]))
			live(last[0], 2, last[2], last[3])
		})
	}
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	rig.Must(t, err)
	rig.Must(t, w.Close())
	return b.String()
}

// The main file and a directory of rules are links into other volumes. A swap of such a volume is noticed at once, without a poll, and so is
// a change of the link itself.
func TestLinkedFiles(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	main := func(n int) string {
		return fmt.Sprintf("global: {scrape_interval: %ds}\nrule_files: ['rules/*.rules']\n", 10+n)
	}
	away := volume.New(t, filepath.Join(top, "away"), map[string]string{"main.yml": main(0)})
	groups := volume.New(t, filepath.Join(top, "groups"), map[string]string{"a.rules": rules("up == 0")})
	dir := filepath.Join(top, "etc")
	rig.Must(t, os.Mkdir(dir, 0o755))
	rig.Must(t, os.Symlink("../away/main.yml", filepath.Join(dir, "prometheus.yml")))
	rig.Must(t, os.Symlink(groups.Dir, filepath.Join(dir, "rules")))
	config := filepath.Join(dir, "prometheus.yml")
	server := rig.NewPrometheus(t, config)
	server.Start()
	server.Ready()
	r := rig.NewReloader(t, "--prometheus-url", server.Proxy, "--prometheus-config", config, "--poll-interval", "10m")
	r.Start()
	p := &pair{r, t, server, away}
	p.synced()
	live := func(n, rule int) {
		t.Helper()
		rig.Eventually(t, "the server runs the change", func() error {
			if err := server.Runs(fmt.Sprintf("scrape_interval: %ds", 10+n)); err != nil {
				return err
			}
			return runsRule(t, server, fmt.Sprintf("up == %d", rule))
		})
		p.synced()
	}
	away.Swap(map[string]string{"main.yml": main(1)})
	live(1, 0)
	groups.Swap(map[string]string{"a.rules": rules("up == 1")})
	live(1, 1)
	turned := volume.New(t, filepath.Join(top, "turned"), map[string]string{"main.yml": main(2)})
	rig.Must(t, os.Symlink("../turned/main.yml", filepath.Join(dir, "new")))
	rig.Must(t, os.Rename(filepath.Join(dir, "new"), config))
	live(2, 1)
	turned.Swap(map[string]string{"main.yml": main(3)})
	live(3, 1)
}

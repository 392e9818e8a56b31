package monitoring

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
	"reloader/test/volume"
)

// page compares what commands print with what docs/troubleshooting.md and docs/runbooks.md show. Digests depend only on the
// contents, so they are the same everywhere.
type page struct {
	t    *testing.T
	text string
	// names are what the page says instead of the names here.
	names *strings.Replacer
}

// durations differ from run to run.
var durations = regexp.MustCompile(` for (\d+[hms])+,`)

// nextTry is the last line of a status, which the pages leave out.
var nextTry = regexp.MustCompile(`\n  next try: .*`)

// shows checks that the pages show what a command printed.
func (p *page) shows(output string) {
	p.t.Helper()
	if err := p.lacks(output); err != nil {
		p.t.Error(err)
	}
}

// lacks returns an error unless the pages show the output.
func (p *page) lacks(output string) error {
	output = nextTry.ReplaceAllString(strings.TrimSpace(output), "")
	output = durations.ReplaceAllString(p.names.Replace(output), " for 1s,")
	if output == "" || !strings.Contains(p.text, output) {
		return fmt.Errorf("docs/troubleshooting.md and docs/runbooks.md do not show\n%s", output)
	}
	return nil
}

// status waits until the first lines of the status, which the pages show, are those of the phase. While reloader tries again,
// the status is another one for a moment.
func (p *page) status(r *rig.Reloader, phase reload.Phase, lines int) {
	p.t.Helper()
	r.Reaches(string(phase), func(s reload.Status) bool { return s.Phase == phase })
	rig.Eventually(p.t, "the pages show the status", func() error {
		all := strings.SplitAfter(rig.Command(p.t, "status", "--url", r.URL).Stdout, "\n")
		return p.lacks(strings.Join(all[:min(lines, len(all))], ""))
	})
}

// scrapeFile is the configuration of the page's examples.
func scrapeFile(interval string) map[string]string {
	return map[string]string{"prometheus.yml": "global:\n  " + interval + "\nscrape_configs:\n- job_name: shop\n  static_configs:\n  - targets: [127.0.0.1:8080]\n"}
}

// The outputs of commands that the pages show are what the commands really print.
func TestTroubleshootingShowsRealOutput(t *testing.T) {
	binary := rig.PrometheusBinary(t)
	var text []byte
	for _, name := range []string{"troubleshooting.md", "runbooks.md"} {
		b, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	manifest, err := filepath.Abs("testdata/monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir()}
	rig.Program(t, "promcheck")
	rig.Program(t, "reloader")
	t.Chdir(w.dir) // the page shows relative names
	config := w.path("mount", "prometheus.yml")
	w.files = volume.New(t, w.path("mount"), scrapeFile("scrape_interval: 15s"))
	server := rig.NewPrometheus(t, config)
	w.write("own.yaml", "log_level: info\n")
	r := rig.NewReloader(t, "--config", "own.yaml", "--prometheus-url", server.Proxy, "--prometheus-config", config)
	p := &page{t: t, text: durations.ReplaceAllString(string(text), " for 1s,"), names: strings.NewReplacer(
		config, "/etc/prometheus/prometheus.yml", manifest, "monitor.yaml", strings.TrimPrefix(r.URL, "http://"), "127.0.0.1:9533")}
	server.Start()
	server.Ready()
	r.Start()
	r.Reaches("in sync", func(s reload.Status) bool { return s.Phase == reload.InSync })

	w.files.Swap(scrapeFile("scrape_intervall: 15s"))
	p.status(r, reload.Rejected, 4)
	p.shows(rig.Command(t, "wait", "--url", r.URL, "--dir", w.files.Dir, "--timeout", "1m").Stderr)
	if err := os.Mkdir("prometheus", 0o755); err != nil {
		t.Fatal(err)
	}
	w.write("prometheus/prometheus.yml", scrapeFile("scrape_intervall: 15s")["prometheus.yml"])
	p.shows(rig.Command(t, "check", "--prometheus-config", "prometheus/prometheus.yml").Stdout)
	w.files.Swap(map[string]string{"prometheus.yml": "global:\n  scrape_interval: 15s\n"})
	r.Reaches("the guard", func(s reload.Status) bool {
		return len(s.Findings) == 1 && s.Findings[0].Rule == "guard-no-scrape-jobs"
	})
	p.status(r, reload.Rejected, 4)
	w.files.Swap(scrapeFile("scrape_interval: 10s"))
	p.status(r, reload.InSync, 1)
	w.write("prometheus/prometheus.yml", scrapeFile("scrape_interval: 10s")["prometheus.yml"])
	p.shows(rig.Command(t, "digest", "prometheus/").Stdout)

	w.write("own.yaml", "log_level: loud\n")
	r.Reread()
	rig.Eventually(t, "the own file is refused", func() error {
		if o := rig.Command(t, "status", "--url", r.URL); !strings.HasPrefix(o.Stdout, "own.yaml") {
			return fmt.Errorf("status:\n%s", o.Stdout)
		}
		return nil
	})
	p.shows(strings.SplitAfter(rig.Command(t, "status", "--url", r.URL).Stdout, "\n")[0])
	r.Stop()
	p.shows(rig.Command(t, "status", "--url", r.URL).Stderr)
	p.shows(rig.Command(t, "check", manifest).Stdout)
	p.failures(w, binary)
}

// failures checks the outputs for servers that refuse, do not run or have no validator, and for a new pod with only bad files.
func (p *page) failures(w *world, binary string) {
	t, config := w.t, w.path("mount", "prometheus.yml")
	t.Helper()
	address := rig.FreeAddress(t)
	p.names = strings.NewReplacer(config, "/etc/prometheus/prometheus.yml", address, "127.0.0.1:9090",
		w.path("source", "prometheus.yml"), "/source/prometheus/prometheus.yml")
	locked := rig.NewProcess(t, "Prometheus", binary, "--config.file="+config, "--storage.tsdb.path="+w.path("data"), "--web.listen-address="+address)
	locked.Start()
	rig.Eventually(t, "Prometheus is ready", func() error {
		_, err := rig.Get(t, "http://"+address+"/-/ready")
		return err
	})
	r := rig.NewReloader(t, "--prometheus-url", "http://"+address, "--prometheus-config", config)
	w.files.Swap(scrapeFile("scrape_interval: 11s"))
	r.Start()
	p.status(r, reload.Retrying, 3)
	r.Stop()
	locked.Stop()
	w.files.Swap(scrapeFile("scrape_interval: 12s"))
	r.Start()
	p.status(r, reload.Waiting, 2)
	r.Stop()

	// reloader without promcheck, and a new pod with only bad files.
	program, err := os.ReadFile(rig.Program(t, "reloader"))
	if err != nil {
		t.Fatal(err)
	}
	rig.WriteProgram(t, w.path("reloader"), string(program))
	t.Setenv("PATH", w.dir)
	w.files.Swap(scrapeFile("scrape_interval: twelve"))
	own := rig.FreeAddress(t)
	alone := &rig.Reloader{URL: "http://" + own, Process: rig.NewProcess(t, "reloader", w.path("reloader"), "run",
		"--listen-address", own, "--prometheus-url", "http://"+address, "--prometheus-config", config)}
	alone.Start()
	rig.Eventually(t, "the pages show a status without a verdict", func() error {
		o := rig.Command(t, "status", "--url", alone.URL)
		if !strings.Contains(o.Stdout, "Unjudged") {
			return fmt.Errorf("status:\n%s", o.Stdout)
		}
		return p.lacks(o.Stdout)
	})

	source := volume.New(t, w.path("source"), scrapeFile("scrape_interval: twelve"))
	gated := rig.NewReloader(t, "--prometheus-url", "http://"+address, "--prometheus-config", filepath.Join(source.Dir, "prometheus.yml"), "--prometheus-gate", w.path("gate"))
	gated.Start()
	p.status(gated, reload.Rejected, 4)
	_, body, err := rig.Fetch(t, gated.URL+"/readyz?startup")
	rig.Must(t, err)
	p.shows(body)
}

package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// commands are the indented lines of a section, without what follows a #.
func commands(t *testing.T, page, section string) []string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", page, section)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^    (\S[^#\n]*)`).FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.TrimSpace(m[1]))
	}
	return lines
}

// The section "Follow your own Prometheus" works as it is written, in a directory with rules where Prometheus also stores its
// data. reloader gets in sync, a good edit is live, a bad one is rejected, and the last command publishes a directory.
func TestGetStarted(t *testing.T) {
	binary := rig.PrometheusBinary(t)
	ours := rig.Program(t, "reloader")
	rig.Program(t, "promcheck")
	lines := commands(t, "../../docs/get-started.md", "Follow your own Prometheus")
	if len(lines) < 6 {
		t.Fatalf("only %d commands", len(lines))
	}
	server, port := rig.FreeAddress(t), rig.FreeAddress(t)
	argv := func(line string) []string {
		for old, value := range map[string]string{"127.0.0.1:9090": server, "127.0.0.1:9533": port} {
			line = strings.ReplaceAll(line, old, value)
		}
		args := strings.Fields(line)
		switch args[0] {
		case "prometheus":
			args[0] = binary
		case "reloader":
			args[0] = ours
		default:
			t.Fatalf("the page starts an unknown program: %s", line)
		}
		return args
	}
	t.Chdir(t.TempDir())
	rig.WriteTree(t, ".", map[string]string{
		"prometheus.yml": "global: {scrape_interval: 1s}\nrule_files: [rules/*.yml]\nscrape_configs:\n- job_name: self\n  static_configs:\n  - targets: [" + server + "]\n",
		"rules/app.yml":  "groups:\n- name: app\n  rules:\n  - {alert: Down, expr: up == 0}\n",
	})
	rig.NewProcess(t, "Prometheus", append(argv(lines[0]), "--web.listen-address="+server)...).Start()
	r := &rig.Reloader{Process: rig.NewProcess(t, "reloader", argv(lines[1])...), URL: "http://" + port}
	r.Start()
	inSync := func(s reload.Status) bool { return s.Phase == reload.InSync }
	first := r.Reaches("in sync", inSync)

	rig.WriteTree(t, ".", map[string]string{"rules/app.yml": "groups:\n- name: app\n  rules:\n  - {alert: Gone, expr: up == 0}\n"})
	r.Reaches("in sync with the edit", func(s reload.Status) bool { return inSync(s) && s.Wanted != first.Wanted })
	if body, err := rig.Get(t, "http://"+server+"/api/v1/rules"); err != nil || !strings.Contains(body, "Gone") {
		t.Errorf("the rules are not live: %v %s", err, body)
	}
	rig.WriteTree(t, ".", map[string]string{"rules/app.yml": "groups:\n- name: app\n  rules:\n  - {alert: Gone, expr: up === 0}\n"})
	r.Reaches("rejected", func(s reload.Status) bool { return s.Phase == reload.Rejected })

	for _, line := range lines[2:] {
		args := argv(line)[1:]
		switch {
		case args[0] == "publish":
		case len(args) == 1:
			args = append(args, "--url", r.URL)
		default: // status --watch does not end
			continue
		}
		if o := rig.Command(t, args...); o.Code > 1 {
			t.Errorf("%s: %+v", line, o)
		}
	}
	if b, err := os.ReadFile("mount/prometheus.yml"); err != nil || !strings.Contains(string(b), "scrape_interval") {
		t.Errorf("nothing was published: %v %s", err, b)
	}
}

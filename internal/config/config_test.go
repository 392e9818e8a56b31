package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// build parses a command line together with the file's contents.
func build(t *testing.T, file string, args ...string) (Config, error) {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := Register(fs)
	var data []byte
	if file != "" {
		data = []byte(file)
		args = append(args, "--config", "reloader.yml")
	}
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f.Config(data)
}

// Flags alone make targets, with the defaults of their kind.
func TestFlagsMakeTargets(t *testing.T) {
	cfg, err := build(t, "", "--prometheus-url=http://127.0.0.1:9090", "--prometheus-dir=/rules=/etc/rules",
		"--prometheus-dir", "/more", "--http-url=http://127.0.0.1:1/-/reload", "--http-dir=/d", "--allow=guard-no-scrape-jobs", "--allow=guard-file-emptied", "--settle=1s")
	if err != nil {
		t.Fatal(err)
	}
	prometheus := TargetDefaults(Prometheus)
	prometheus.Name, prometheus.FromFlags, prometheus.URL = "prometheus", true, "http://127.0.0.1:9090"
	prometheus.Dirs = []Mount{{"/rules", "/etc/rules"}, {"/more", ""}}
	prometheus.Allow = []string{"guard-no-scrape-jobs", "guard-file-emptied"}
	http := TargetDefaults(HTTP)
	http.Name, http.FromFlags, http.URL, http.Dirs = "http", true, "http://127.0.0.1:1/-/reload", []Mount{{Path: "/d"}}
	http.Allow = prometheus.Allow
	want := Defaults()
	want.Settle = time.Second
	want.Targets = []Target{prometheus, http}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Error(diff)
	}
}

// Relative paths become absolute, because a server that was started in the same directory reports its files by
// absolute paths, and the list of mounts has absolute paths too.
func TestRelativePaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	cfg, err := build(t, "", "--prometheus-url=http://127.0.0.1:9090", "--prometheus-config=./prometheus.yml", "--prometheus-dir=rules=/etc/rules",
		"--prometheus-gate=../gate", "--grafana-url=http://127.0.0.1:3000", "--grafana-provisioning=provisioning", "--grafana-ini=grafana.ini")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range cfg.Targets {
		for _, m := range append(c.Dirs, c.ConfigFile, c.Gate, c.Provisioning, c.Ini) {
			if m.Path != "" {
				got = append(got, m.String())
			}
		}
	}
	want := []string{dir + "/rules=/etc/rules", dir + "/prometheus.yml", filepath.Join(dir, "../gate"), dir + "/provisioning", dir + "/grafana.ini"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A mount is PATH or PATH=SERVERPATH. An equals sign separates the two only before an absolute path.
func TestParseMount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Mount{
		"rules":                   {Path: "rules"},
		"/srv/rules=/etc/rules":   {"/srv/rules", "/etc/rules"},
		"rules=/etc/rules":        {"rules", "/etc/rules"},
		"/srv/a=b/prometheus.yml": {Path: "/srv/a=b/prometheus.yml"},
		"/srv/a=b":                {Path: "/srv/a=b"},
		"/srv/a=b/x=/etc/c=d/e":   {"/srv/a=b/x", "/etc/c=d/e"},
		"/srv=/a=/b":              {"/srv", "/a=/b"},
	} {
		got, err := ParseMount(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
		if again, err := ParseMount(got.String()); err != nil || again != got {
			t.Errorf("%s: %+v was written as %s, which is %+v, %v", text, got, got, again, err)
		}
	}
	for _, text := range []string{"", "=", "=/a", "=a", "==/a", "/a=", "/a=/b="} {
		if got, err := ParseMount(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
}

// A flag overrides the same key of the file, and targets from flags are added to those of the file.
func TestFlagsWinOverTheFile(t *testing.T) {
	file := "settle: 3s\npoll_interval: 7s\ntargets:\n- {name: one, kind: http, url: 'http://h/', dirs: [/a, /b=/c]}\n"
	cfg, err := build(t, file, "--settle=1s", "--prometheus-url=http://127.0.0.1:9090")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Settle != time.Second || cfg.PollInterval != 7*time.Second {
		t.Errorf("settle %v, poll interval %v: want the flag's 1s and the file's 7s", cfg.Settle, cfg.PollInterval)
	}
	if len(cfg.Targets) != 2 || cfg.Targets[0].Name != "one" || cfg.Targets[1].Name != "prometheus" {
		t.Fatalf("targets: %+v", cfg.Targets)
	}
	if got := cfg.Targets[0].Dirs[1]; got != (Mount{"/b", "/c"}) {
		t.Errorf("dirs[1] = %+v", got)
	}
}

// Each file in testdata/err must give exactly the lines of its .txt.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/err/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, got := build(t, string(data))
			if got == nil {
				t.Fatal("accepted")
			}
			out := strings.TrimSuffix(name, ".yml") + ".txt"
			if os.Getenv("RELOADER_UPDATE") != "" {
				if err := os.WriteFile(out, []byte(got.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.Error()+"\n"); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// testdata/ok/full.yml has every key, is accepted, and is the example in docs/configuration.md.
func TestFullFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/ok/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), string(data)) {
		t.Error("docs/configuration.md does not show testdata/ok/full.yml as it is")
	}
	cfg, err := build(t, string(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Targets) != 4 || cfg.Targets[0].Username != "admin" || cfg.Targets[0].ReloadTimeout != 3*time.Minute {
		t.Errorf("targets: %+v", cfg.Targets)
	}
	for _, v := range []reflect.Value{reflect.ValueOf(Config{}), reflect.ValueOf(Target{})} {
		for key := range keys(v) {
			if !strings.Contains(string(data), key+":") {
				t.Errorf("no %s in testdata/ok/full.yml", key)
			}
		}
	}
}

// Wrong flags are refused with the flag's name and what to write, and without credentials.
func TestBadFlags(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"no target; give --prometheus-url":                                                 {},
		"--prometheus-url: not a URL like":                                                 {"--prometheus-url=localhost:9090"},
		"--prometheus-url: must not contain credentials; use --prometheus-user":            {"--prometheus-url=http://u:hunter2@h"},
		"--prometheus-config: needs --prometheus-url":                                      {"--prometheus-config=x"},
		"--prometheus-method: unknown method":                                              {"--prometheus-url=http://h", "--prometheus-method=push"},
		"--prometheus-username: is required with --prometheus-password-file":               {"--prometheus-url=http://h", "--prometheus-password-file=x"},
		"--prometheus-password-file: is required with --prometheus-username":               {"--prometheus-url=http://h", "--prometheus-username=x"},
		"--http-cert-file: --http-cert-file and --http-key-file belong":                    {"--http-url=http://h", "--http-dir=x", "--http-key-file=x"},
		"--http-dir: is required for kind http":                                            {"--http-url=http://h"},
		"--prometheus-dir: \"=x\": want PATH or PATH=SERVERPATH":                           {"--prometheus-url=http://h", "--prometheus-dir==x"},
		"--listen-address: want HOST:PORT or :PORT":                                        {"--prometheus-url=http://h", "--listen-address=9533"},
		"--listen-address: port \"99999\": want a number from 0 to 65535":                  {"--prometheus-url=http://h", "--listen-address=:99999"},
		"--poll-interval: want at least 100ms":                                             {"--prometheus-url=http://h", "--poll-interval=1ms"},
		"--log-level: unknown level \"loud\"; want debug, info, warn or error":             {"--prometheus-url=http://h", "--log-level=loud"},
		`--allow: unknown guard "guard-no-scrape-job"; did you mean guard-no-scrape-jobs?`: {"--prometheus-url=http://h", "--allow=guard-no-scrape-job"},
		"--grafana-provisioning: give provisioning, ini or both":                           {"--grafana-url=http://h"},
		`--grafana-version: "latest" is not a version: write major and minor, such as`:     {"--grafana-url=http://h", "--grafana-ini=x", "--grafana-version=latest"},
		`--prometheus-version: "3" is not a version`:                                       {"--prometheus-url=http://h", "--prometheus-version=3"},
	} {
		_, err := build(t, "", args...)
		if err == nil {
			t.Errorf("%v: accepted", args)
		} else if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: got %q, want %q", args, err, want)
		}
	}
}

// Without credentials of its own, a Grafana target uses those of the environment variables of Grafana's image. The password is not
// visible when a configuration is printed, logged or encoded.
func TestGrafanaUsesTheImagesVariables(t *testing.T) {
	t.Setenv("GF_SECURITY_ADMIN_PASSWORD", "hunter2")
	cfg, err := build(t, "", "--grafana-url=http://h", "--grafana-ini=/etc/grafana/grafana.ini")
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Targets[0]; got.Username != "admin" || got.Password.Reveal() != "hunter2" {
		t.Errorf("user %q, password known %t", got.Username, got.Password.Reveal() == "hunter2")
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "password", cfg.Targets[0].Password, "config", cfg)
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), string(encoded), log.String()} {
		if strings.Contains(s, "hunter2") {
			t.Errorf("the password shows in %s", s)
		}
	}
}

// Diff names added, removed and changed targets, and the settings that need a restart.
func TestDiff(t *testing.T) {
	t.Parallel()
	a, b, c := TargetDefaults(HTTP), TargetDefaults(HTTP), TargetDefaults(HTTP)
	a.Name, b.Name, c.Name = "a", "b", "c"
	old := Defaults()
	old.Targets = []Target{a, b}
	changed := b
	changed.URL = "http://other"
	for name, test := range map[string]struct {
		change func(*Config)
		want   Changes
	}{
		"nothing": {func(*Config) {}, Changes{}},
		"targets": {func(n *Config) { n.Targets = []Target{changed, c} }, Changes{Added: []string{"c"}, Removed: []string{"a"}, Changed: []string{"b"}}},
		"order":   {func(n *Config) { n.Targets = []Target{b, a} }, Changes{}},
		"shared":  {func(n *Config) { n.Settle++ }, Changes{Changed: []string{"a", "b"}}},
		"frozen":  {func(n *Config) { n.ListenAddress, n.LogFormat, n.PollInterval = "", "json", 1 }, Changes{Frozen: []string{"listen_address", "log_format", "poll_interval"}}},
		"gate": {func(n *Config) {
			gated := b
			gated.GateMode = "0440"
			n.Targets = []Target{a, gated}
		}, Changes{Frozen: []string{"the gate of target b"}}},
		"level": {func(n *Config) { n.LogLevel = "debug" }, Changes{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := old
			test.change(&n)
			if diff := cmp.Diff(test.want, Diff(old, n)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzFile: any file is either refused or makes a configuration that also passes the checks a second time.
func FuzzFile(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yml")
	if err != nil || len(files) == 0 {
		f.Fatal("no test data", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("targets: [&a {name: x, kind: http, url: 'http://h', dirs: &d [a]}, *a]")
	f.Fuzz(func(t *testing.T, data string) {
		if data == "" {
			return
		}
		cfg, err := build(t, data)
		if err != nil {
			return
		}
		c := &checker{}
		c.process(cfg)
		c.targets(cfg.Targets, false)
		if len(c.errs) > 0 {
			t.Errorf("accepted, yet %v", c.errs)
		}
		if changes := Diff(cfg, cfg); !reflect.DeepEqual(changes, Changes{}) {
			t.Errorf("differs from itself: %+v", changes)
		}
	})
}

// Feature flags may be separated by commas, as in Prometheus' own flag.
func TestFeatures(t *testing.T) {
	t.Parallel()
	if got := Features([]string{"a,b", " c ", ""}); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%q", got)
	}
	if got := Features(nil); got != nil {
		t.Errorf("no flag: %q", got)
	}
}

package driver_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/httpclient"
	"reloader/internal/prometheus/driver"
	"reloader/internal/prometheus/prometheustest"
	"reloader/internal/prometheus/proof"
	"reloader/internal/prometheus/validator"
	"reloader/internal/reload"
	"reloader/internal/snapshot"
	"reloader/internal/sources"
	"reloader/test/rig"
)

// files is a directory as the kubelet writes it. A hint comes only from a call of hint.
type files struct {
	t     *testing.T
	dir   string
	n     int
	hints chan struct{}
}

func (f *files) C() <-chan struct{} { return f.hints }

func (f *files) SetDirs([]string) {}

func (f *files) hint() {
	select {
	case f.hints <- struct{}{}:
	default:
	}
}

func newFiles(t *testing.T, text string) *files {
	t.Helper()
	f := &files{t: t, dir: t.TempDir(), hints: make(chan struct{}, 1)}
	f.swap(text)
	if err := os.Symlink("..data/prometheus.yml", filepath.Join(f.dir, "prometheus.yml")); err != nil {
		t.Fatal(err)
	}
	return f
}

// swap replaces the contents by renaming ..data.
func (f *files) swap(text string) {
	f.t.Helper()
	f.n++
	generation := "..gen" + string(rune('a'+f.n))
	err := errors.Join(
		os.Mkdir(filepath.Join(f.dir, generation), 0o755),
		os.WriteFile(filepath.Join(f.dir, generation, "prometheus.yml"), []byte(text), 0o644),
		os.Symlink(generation, filepath.Join(f.dir, "..data_tmp")),
		os.Rename(filepath.Join(f.dir, "..data_tmp"), filepath.Join(f.dir, "..data")),
	)
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *files) read() string {
	b, err := os.ReadFile(filepath.Join(f.dir, "prometheus.yml"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (f *files) reader() *sources.Reader {
	return sources.New(sources.Options{Required: []snapshot.Source{{Name: "config", Dir: f.dir}}})
}

// judge rejects files that say "invalid".
type judge struct{}

func (judge) Validate(_ context.Context, req finding.Request) (finding.Result, error) {
	b, ok := req.Set.Snapshots[0].Bytes("prometheus.yml")
	if !ok {
		return finding.Result{}, errors.New("the contents are missing")
	}
	if strings.Contains(string(b), "invalid") {
		return finding.Result{Findings: []finding.Finding{{File: "prometheus.yml", Line: 1, Severity: finding.Error, Message: "invalid"}}}, nil
	}
	return finding.Result{Expected: textOf(string(b))}, nil
}

// textOf is what the fake shows of a text: all of it, unless it has a secret.
func textOf(text string) *proof.Expected {
	e := &proof.Expected{Library: "3.16.0", Main: "/etc/prometheus/prometheus.yml", Text: proof.Sum(text), Items: proof.Cut(text)}
	if strings.Contains(text, "secret") {
		e.Hidden = []string{"a secret"}
	}
	return e
}

// site is a target that follows real files and reloads a fake server over a real socket.
type site struct {
	t      *testing.T
	files  *files
	server *prometheustest.Server
	target *reload.Target
	logs   *rig.Buffer // tests look for secrets in it
	stop   func()
}

// start starts a target with short delays that follows f.
func start(t *testing.T, f *files, server *prometheustest.Server, co httpclient.Options, timeout time.Duration) *site {
	t.Helper()
	if co.URL == "" {
		co.URL = server.URL()
	}
	d, err := driver.New(driver.Options{Client: co, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	r := &site{t: t, files: f, server: server, logs: &rig.Buffer{}}
	r.target, err = reload.New(reload.Options{
		Name: "prometheus", Kind: "prometheus", Reader: f.reader(), Watch: f, Validator: judge{}, Driver: d,
		Logger:  slog.New(slog.NewTextHandler(r.logs, nil)),
		Spacing: -1, ObserveInterval: 50 * time.Millisecond,
		RetryInitial: 10 * time.Millisecond, RetryMax: 50 * time.Millisecond, RetrySlow: 50 * time.Millisecond, WaitMax: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.target.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		server.Release()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if t.Failed() {
			t.Logf("log of the target:\n%s", r.logs)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// newSite is a site that is in sync with the files "first".
func newSite(t *testing.T, o prometheustest.Options) *site {
	t.Helper()
	f := newFiles(t, "first")
	o.Files = f.read
	r := start(t, f, prometheustest.New(t, o), httpclient.Options{}, 0)
	r.live("first")
	return r
}

func (r *site) swap(text string) { r.t.Helper(); r.files.swap(text); r.files.hint() }

func (r *site) status(what string, cond func(reload.Status) bool) {
	r.t.Helper()
	rig.Until(r.t, what, func() bool { return cond(r.target.Status()) })
}

// failing waits for a failure of this class.
func (r *site) failing(class reload.Class) {
	r.t.Helper()
	r.status("failure "+string(class), func(s reload.Status) bool {
		return s.Phase == reload.Retrying && s.Failure != nil && s.Failure.Class == class && !s.Applied
	})
}

// live waits until the newest files are proven to run and the server really runs this text.
func (r *site) live(text string) {
	r.t.Helper()
	r.status(text+" in sync", func(s reload.Status) bool {
		return s.Phase == reload.InSync && s.Running == s.Wanted && s.Applied && r.server.Runs() == text
	})
}

func (r *site) wantRequests(n int) {
	r.t.Helper()
	if got := r.server.Requests(); len(got) != n {
		r.t.Errorf("%d reload requests, want %d: %q", len(got), n, got)
	}
}

// While the server is down, files are still judged and nothing counts as a failed reload. After its start the newest files are live
// with at most one reload.
func TestFaultDown(t *testing.T) {
	t.Parallel()
	r := newSite(t, prometheustest.Options{})
	before := len(r.server.Requests())
	r.server.Stop()
	r.status("waiting", func(s reload.Status) bool { return s.Phase == reload.Waiting })
	r.swap("second")
	r.swap("invalid")
	r.status("rejected although the server is down", func(s reload.Status) bool { return s.Phase == reload.Rejected })
	r.swap("third")
	r.status("waiting again", func(s reload.Status) bool { return s.Phase == reload.Waiting })
	if s := r.target.Status(); !strings.Contains(s.Reason, "connection refused") || s.Counts.ReloadsFailed != 0 {
		t.Errorf("status %+v", s)
	}
	r.server.Start(t)
	r.live("third")
	if n := len(r.server.Requests()) - before; n > 1 {
		t.Errorf("%d requests after the restart", n)
	}
}

// A server that is not ready is sent no reload. When it is ready, one reload makes the newest files live.
func TestFaultNotReady(t *testing.T) {
	t.Parallel()
	r := newSite(t, prometheustest.Options{})
	n := len(r.server.Requests())
	r.server.SetReady(false)
	r.swap("second")
	r.status("waiting", func(s reload.Status) bool {
		return s.Phase == reload.Waiting && strings.Contains(s.Reason, "not ready")
	})
	r.wantRequests(n) // a POST would block until the server has replayed its WAL
	r.server.SetReady(true)
	r.live("second")
	r.wantRequests(n + 1)
}

// Whatever status the server answers, the reload is tried again until it succeeds.
func TestFaultServerErrors(t *testing.T) {
	t.Parallel()
	r := newSite(t, prometheustest.Options{})
	n := len(r.server.Requests())
	r.server.FailNext(500, 500)
	r.swap("second")
	r.live("second")
	r.wantRequests(n + 3)
	r.server.FailNext(503, 502, 404, 405, 418)
	r.swap("third")
	r.live("third")
	r.wantRequests(n + 9)
}

// The status shows why the server refused the files, without what may be a secret. The next files are live.
func TestFaultRefused(t *testing.T) {
	t.Parallel()
	r := newSite(t, prometheustest.Options{Load: func(text string) error {
		if text == "refused" {
			return errors.New("unknown field `hunter2`, parse \"http://u:hunter2 x@h/\": net/url: invalid userinfo")
		}
		return nil
	}})
	r.swap("refused")
	r.failing(reload.ClassRefused)
	if s := r.target.Status(); s.Running == s.Wanted || !strings.Contains(s.Failure.Body, "unknown field") || strings.Contains(s.Failure.Body, "hunter2") {
		t.Errorf("status %+v", s)
	}
	r.swap("second")
	r.live("second")
}

// A slow load gets no second request.
func TestFaultSlow(t *testing.T) {
	t.Parallel()
	r := newSite(t, prometheustest.Options{})
	n := len(r.server.Requests())
	r.server.SlowBy(700 * time.Millisecond) // many times longer than all other delays here
	r.swap("second")
	r.live("second")
	r.wantRequests(n + 1)
}

// A load that takes longer than the timeout is waited for, because another request would only queue behind it.
func TestFaultTimeout(t *testing.T) {
	t.Parallel()
	f := newFiles(t, "first")
	server := prometheustest.New(t, prometheustest.Options{Files: f.read})
	r := start(t, f, server, httpclient.Options{}, 3*time.Second)
	r.live("first")
	n := len(server.Requests())
	server.Hang()
	r.rest() // only a load in another second can be seen to have finished
	r.swap("second")
	r.failing(reload.ClassBusy)
	r.wantRequests(n + 1)
	server.Release()
	r.live("second")
	if loads := server.Loads(); len(loads) > n+2 {
		t.Errorf("loads %q", loads)
	}
}

// Files whose reload loaded them and then lost its connection are live in the end.
func TestFaultCut(t *testing.T) {
	t.Parallel()
	f := newFiles(t, "first")
	server := prometheustest.New(t, prometheustest.Options{Files: f.read})
	r := start(t, f, server, httpclient.Options{}, 200*time.Millisecond)
	r.live("first")
	server.CutNext(2)
	r.swap("second")
	r.live("second")
}

// A 200 without a load is not believed. When the server loads again, the files are live.
func TestFaultLies(t *testing.T) {
	t.Parallel()
	r := newSite(t, prometheustest.Options{})
	r.rest()
	r.server.Lie(true)
	r.swap("second")
	r.failing(reload.ClassUnproven)
	if s := r.target.Status(); !s.Running.IsZero() || !strings.Contains(s.Reason, "lastConfigTime did not change") {
		t.Errorf("status %+v", s)
	}
	r.server.Lie(false)
	r.live("second")
}

// The password file is read for each request, so a changed password needs no restart. No password reaches the log.
func TestFaultPassword(t *testing.T) {
	t.Parallel()
	f := newFiles(t, "first")
	server := prometheustest.New(t, prometheustest.Options{Files: f.read, Username: "admin", Password: "hunter2-right"})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter2-wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, f, server, httpclient.Options{Username: "admin", PasswordFile: file}, 0)
	r.failing(reload.ClassUnauthorized)
	if err := os.WriteFile(file, []byte("hunter2-right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.live("first")
	server.SetPassword("hunter2-changed")
	r.swap("second")
	r.failing(reload.ClassUnauthorized)
	if err := os.WriteFile(file, []byte("hunter2-changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.live("second")
	r.stop()
	if strings.Contains(r.logs.String(), "hunter2") {
		t.Errorf("a password is in the log:\n%s", r.logs)
	}
}

// A user and password in the URL work, and reach neither the log nor the status.
func TestFaultURLSecrets(t *testing.T) {
	t.Parallel()
	f := newFiles(t, "first")
	server := prometheustest.New(t, prometheustest.Options{Files: f.read, Username: "admin", Password: "hunter2"})
	with := func(user string) string { return strings.Replace(server.URL(), "http://", "http://"+user+"@", 1) }
	start(t, f, server, httpclient.Options{URL: with("admin:hunter2")}, 0).live("first")
	r := start(t, f, server, httpclient.Options{URL: with("admin:hunter2wrong")}, 0)
	r.failing(reload.ClassUnauthorized)
	r.stop()
	if s := r.target.Status(); strings.Contains(r.logs.String()+s.Reason+s.Failure.Message, "hunter2") {
		t.Errorf("a password is shown: %+v\n%s", s, r.logs)
	}
}

// A server without the lifecycle API gets a finding even before the first change. The failure of a change names the flag.
func TestFaultLifecycleOff(t *testing.T) {
	t.Parallel()
	f := newFiles(t, "first")
	server := prometheustest.New(t, prometheustest.Options{Files: f.read, NoLifecycle: true})
	r := start(t, f, server, httpclient.Options{}, 0)
	r.live("first")
	if s := r.target.Status(); len(s.Findings) != 1 || s.Findings[0].Rule != validator.RuleLifecycle {
		t.Errorf("findings %v", s.Findings)
	}
	r.swap("second")
	r.failing(reload.ClassDisabled)
	if s := r.target.Status(); !strings.Contains(s.Reason, "--web.enable-lifecycle") {
		t.Errorf("reason %q", s.Reason)
	}
}

// If reloader ends between a swap and its reload, the next start asks the server and reloads.
func TestOwnRestart(t *testing.T) {
	t.Parallel()
	r := newSite(t, prometheustest.Options{})
	r.stop()
	r.files.swap("second")
	start(t, r.files, r.server, httpclient.Options{}, 0).live("second")
}

// If the server restarts while the files are rejected, what it runs no longer counts as proven. Rejected files are never loaded by a
// reload, and the next good ones are live.
func TestServerRestartsOnRejectedFiles(t *testing.T) {
	t.Parallel()
	r := newSite(t, prometheustest.Options{})
	r.swap("invalid")
	r.status("rejected", func(s reload.Status) bool { return s.Phase == reload.Rejected && !s.Running.IsZero() })
	r.server.Stop()
	r.server.Start(t) // the fake starts even on files that are invalid
	r.status("no longer counts as proven", func(s reload.Status) bool { return s.Phase == reload.Rejected && s.Running.IsZero() })
	r.swap("first")
	r.live("first")
	if slices.Contains(r.server.Loads(), "invalid") {
		t.Errorf("loads %q", r.server.Loads())
	}
}

// After many quick swaps, good and bad, the last files are live.
func TestSwapStorm(t *testing.T) {
	t.Parallel()
	r := newSite(t, prometheustest.Options{})
	for i := range 50 {
		text := "storm " + string(rune('A'+i))
		if i%5 == 0 {
			text = "invalid " + text
		}
		r.swap(text)
	}
	r.swap("last")
	r.live("last")
}

// Two reloaders follow one server, and someone else makes it load the same files. If the server shows all of them, neither reloads.
// If it hides a secret, they reload to be sure, but do not go on answering each other's reloads.
func TestForeignReload(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"first", "first with a secret"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			f := newFiles(t, text)
			server := prometheustest.New(t, prometheustest.Options{Files: f.read})
			one := start(t, f, server, httpclient.Options{}, 0)
			two := start(t, f, server, httpclient.Options{}, 0)
			quiet := func() {
				t.Helper()
				one.live(text)
				two.live(text)
				rig.Until(t, "no more reloads", func() bool {
					n := len(server.Requests())
					for range 2 { // the server's clock has whole seconds: a load shows in another second
						one.rest()
						one.target.Look(t.Context())
						two.target.Look(t.Context())
					}
					return len(server.Requests()) == n
				})
			}
			quiet()
			n := len(server.Requests())
			server.Run(text)
			quiet()
			if got := len(server.Requests()) - n; got > 0 && textOf(text).Hidden == nil {
				t.Errorf("%d reloads after one by someone else", got)
			}
		})
	}
}

// A change needs a reload unless the server is known to read all changed files by itself.
func TestNeedsReload(t *testing.T) {
	t.Parallel()
	set := func(text string) *snapshot.Set {
		return snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "config", Dir: "/etc/prometheus"}, map[string][]byte{"token": []byte(text)}))
	}
	d := newDriver(t, httpclient.Options{URL: "http://127.0.0.1:1"})
	before, after := set("a"), set("b")
	known, unknown := textOf("x"), textOf("x")
	known.Rereads = []string{"/etc/prometheus/token"}
	plan := func(e *proof.Expected) *reload.Plan {
		p, err := d.Plan(t.Context(), reload.Change{New: before, Expected: e})
		if err != nil {
			t.Fatal(err)
		}
		return &p
	}
	for _, c := range []struct {
		name   string
		change reload.Change
		calls  int
	}{
		{"a credential changed", reload.Change{Old: before, New: after, Files: snapshot.Diff(before, after), Expected: known, Last: plan(known)}, 0},
		{"a file of unknown use changed", reload.Change{Old: before, New: after, Files: snapshot.Diff(before, after), Expected: unknown, Last: plan(unknown)}, 1},
		{"the validator expects nothing", reload.Change{Old: before, New: after, Files: snapshot.Diff(before, after), Last: plan(known)}, 1},
		{"nothing is known about the server", reload.Change{New: after, Expected: known}, 1},
		{"only the digest is known", reload.Change{Old: before}, 1},
	} {
		p, err := d.Plan(t.Context(), c.change)
		if err != nil || len(p.Calls) != c.calls {
			t.Errorf("%s: calls %q, %v", c.name, p.Calls, err)
		}
	}
}

// A URL that is not one is an error that does not repeat its password.
func TestBadURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "127.0.0.1:9090", "localhost:9090", "ftp://a", "http://", "http://user:hunter2@[::1", "http://a b:hunter2@c"} {
		_, err := driver.New(driver.Options{Client: httpclient.Options{URL: url}})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// A load by someone else begins before the files change and ends after that. Its time proves nothing about the new files, whatever
// the timeout of a reload is: they get a reload.
func TestSlowForeignLoadOfOlderFiles(t *testing.T) {
	t.Parallel()
	f := newFiles(t, "old")
	read := make(chan struct{}, 10)
	server := prometheustest.New(t, prometheustest.Options{Files: func() string {
		text := f.read()
		select {
		case read <- struct{}{}:
		default:
		}
		return text
	}})
	<-read // its start
	server.Hang()
	foreign, done := newDriver(t, httpclient.Options{URL: server.URL()}), make(chan error, 1)
	go func() { done <- foreign.Reload(t.Context(), reload.Plan{}) }()
	<-read // it has the old files in memory
	f.swap("new")
	changed := time.Now().Unix()
	rig.Until(t, "a second that is after the change beyond doubt", func() bool { return time.Now().Unix() > changed+1 })
	server.Release()
	if err := <-done; err != nil || server.Runs() != "old" {
		t.Fatalf("the load by someone else: %v, it runs %q", err, server.Runs())
	}
	n := len(server.Requests())
	r := start(t, f, server, httpclient.Options{}, time.Second)
	r.live("new")
	r.wantRequests(n + 1)
}

// A server whose --config.file goes through ..data, as the documentation recommends behind a gate, reads the same main file: nothing
// differs, and all is compared. If its path is another one, that is reported as not compared.
func TestMainFileThroughData(t *testing.T) {
	t.Parallel()
	for flag, same := range map[string]bool{"/gate/..data/prometheus.yml": true, "/gate/other/prometheus.yml": false} {
		server := prometheustest.New(t, prometheustest.Options{Flags: map[string]string{"config.file": flag}, Files: func() string { return "x" }})
		d := newDriver(t, httpclient.Options{URL: server.URL()}, func(o *driver.Options) { o.ConfigFile = "/gate/prometheus.yml" })
		before := observe(t, d)
		set := snapshot.NewSet(snapshot.FromFiles(snapshot.Source{Name: "config", Dir: "/gate"}, map[string][]byte{"prometheus.yml": []byte("x")}))
		p, err := d.Plan(t.Context(), reload.Change{New: set, Contents: true, Server: before, Expected: textOf("x")})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Reload(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		v, err := d.Confirm(t.Context(), p, reload.Proof{Reloaded: true, Before: before})
		if err != nil || !v.Proven || len(v.Differences) > 0 {
			t.Errorf("%s: %+v %v", flag, v, err)
		}
		if reported := strings.Contains(strings.Join(v.NotCompared, " "), "path of the main file"); reported == same {
			t.Errorf("%s: not compared: %q", flag, v.NotCompared)
		}
	}
}

package rig

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// PrometheusBinary is the real server; the test is skipped where none is named.
func PrometheusBinary(tb testing.TB) string {
	tb.Helper()
	binary := os.Getenv("RELOADER_PROMETHEUS_BINARY")
	if binary == "" {
		tb.Skip("RELOADER_PROMETHEUS_BINARY is not set; make test sets it")
	}
	return binary
}

// PromtoolBinary is the real promtool; the test is skipped where none is named.
func PromtoolBinary(tb testing.TB) string {
	tb.Helper()
	binary := os.Getenv("RELOADER_PROMTOOL_BINARY")
	if binary == "" {
		tb.Skip("RELOADER_PROMTOOL_BINARY is not set; make test sets it")
	}
	if _, err := os.Stat(binary); err != nil {
		tb.Fatalf("RELOADER_PROMTOOL_BINARY: %v", err)
	}
	return binary
}

// Prometheus is a real server with its lifecycle API, behind a proxy that counts its reload requests.
type Prometheus struct {
	*Process
	// URL is the server's own address, Proxy is the one for reloader. Both stay the same over restarts.
	URL, Proxy string
	// Posts counts the reload requests that arrived.
	Posts atomic.Int64
	// OnPost, when set, is called when a reload request arrives; false cuts the connection.
	OnPost atomic.Pointer[func() bool]
	// Posted, when set, is called after the server has answered a reload request, before reloader gets the answer.
	Posted atomic.Pointer[func()]
}

// NewPrometheus prepares a server with this configuration file, without starting it. The test is skipped if no
// server is named.
func NewPrometheus(tb testing.TB, config string) *Prometheus {
	tb.Helper()
	return NewPrometheusIn(tb, config, "")
}

// NewPrometheusIn is NewPrometheus for a server that sees other mounts than the test. Before the server starts, the shell script
// runs in the server's own mount namespace and working directory. It needs root.
func NewPrometheusIn(tb testing.TB, config, script string, flags ...string) *Prometheus {
	tb.Helper()
	return NewPrometheusOf(tb, PrometheusBinary(tb), config, script, flags...)
}

// NewPrometheusOf is NewPrometheusIn for a server of the caller's choice.
func NewPrometheusOf(tb testing.TB, binary, config, script string, flags ...string) *Prometheus {
	tb.Helper()
	if script != "" && os.Geteuid() != 0 {
		tb.Skip("only root can give the server mounts of its own")
	}
	Program(tb, "promcheck") // no reloader follows a Prometheus without it
	address, data := FreeAddress(tb), tb.TempDir()
	p := &Prometheus{URL: "http://" + address}
	args := []string{binary, "--config.file=" + config, "--storage.tsdb.path=" + data,
		"--web.listen-address=" + address, "--web.enable-lifecycle", "--log.level=info"}
	if script != "" {
		args = append([]string{"unshare", "-m", "sh", "-ec", script + "\nexec \"$@\"", "sh"}, args...)
	}
	p.Process = NewProcess(tb, "Prometheus", append(args, flags...)...)
	target, err := url.Parse(p.URL)
	if err != nil {
		tb.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ModifyResponse = func(a *http.Response) error {
		if f := p.Posted.Load(); f != nil && a.Request.Method == http.MethodPost && a.Request.URL.Path == "/-/reload" {
			(*f)()
		}
		return nil
	}
	// If the server is down, the proxy cuts the connection instead of answering.
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/-/reload" {
			p.Posts.Add(1)
			if f := p.OnPost.Load(); f != nil && !(*f)() {
				panic(http.ErrAbortHandler)
			}
		}
		forward.ServeHTTP(rw, r)
	}))
	tb.Cleanup(srv.Close)
	p.Proxy = srv.URL
	return p
}

// Ready waits until the server says that it is ready.
func (p *Prometheus) Ready() {
	p.tb.Helper()
	Eventually(p.tb, "Prometheus is ready", func() error {
		_, err := Get(p.tb, p.URL+"/-/ready")
		return err
	})
}

// Runs is nil if the server itself says that it runs a main file with this text.
func (p *Prometheus) Runs(text string) error {
	var answer struct{ Data struct{ YAML string } }
	if err := GetJSON(p.tb, p.URL+"/api/v1/status/config", &answer); err != nil {
		return err
	}
	if !strings.Contains(answer.Data.YAML, text) {
		return fmt.Errorf("Prometheus runs\n%s\nwithout %q", answer.Data.YAML, text)
	}
	return nil
}

// Jobs is a main file with these lines, then jobs with these names.
func Jobs(lines string, names ...string) string {
	var b strings.Builder
	b.WriteString(lines + "scrape_configs:\n")
	for _, n := range names {
		fmt.Fprintf(&b, "- job_name: %s\n  static_configs: [{targets: ['127.0.0.1:1']}]\n", n)
	}
	return b.String()
}

package promdriver_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reloader/internal/reload/client"
	"reloader/internal/reload/promdriver"
)

// rightPassword is bcrypt of "right", with the least cost.
const rightPassword = "$2a$04$pmVjNK2w/BkAZiRV0APuMeAClSXGb36fd99TGMZMc72W0UhKs4jRq"

// startReal starts the real Prometheus on a free port.
func startReal(t *testing.T, o options) server {
	t.Helper()
	binary := os.Getenv("RELOADER_PROMETHEUS_BINARY")
	if binary == "" {
		t.Skip("RELOADER_PROMETHEUS_BINARY is not set; make test sets it")
	}
	s := newDir(t)
	startBinary(t, binary, &s, o)
	return s
}

func startBinary(t *testing.T, binary string, s *server, o options) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	args := []string{
		"--config.file=" + filepath.Join(s.dir, "prometheus.yml"), "--web.listen-address=" + address,
		"--storage.tsdb.path=" + t.TempDir(), "--web.route-prefix=/" + strings.TrimPrefix(o.prefix, "/"),
	}
	if !o.noLifecycle {
		args = append(args, "--web.enable-lifecycle")
	}
	scheme := "http"
	var web strings.Builder
	co := client.Options{}
	if o.certs != nil {
		scheme = "https"
		fmt.Fprintf(&web, "tls_server_config: {cert_file: %q, key_file: %q", o.certs.ServerCert, o.certs.ServerKey)
		if o.clientCerts {
			fmt.Fprintf(&web, ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: %q", o.certs.CA)
		}
		web.WriteString("}\n")
		co.CAFile, co.ServerName, co.CertFile, co.KeyFile = o.certs.CA, o.certs.ServerName, o.certs.ClientCert, o.certs.ClientKey
	}
	if o.password {
		fmt.Fprintf(&web, "basic_auth_users: {admin: %q}\n", rightPassword)
		co.Username, co.Password = "admin", "right"
	}
	if web.Len() > 0 {
		file := filepath.Join(t.TempDir(), "web.yml")
		if err := os.WriteFile(file, []byte(web.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--web.config.file="+file)
	}
	s.url = scheme + "://" + address + o.prefix
	co.URL = s.url

	cmd := exec.CommandContext(t.Context(), binary, args...)
	var log lockedBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		<-ended
		if t.Failed() {
			t.Logf("log of the real server:\n%s", log.String())
		}
	})
	d, err := promdriver.New(promdriver.Options{Client: co})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the real server is ready", func() bool {
		got, err := d.Observe(t.Context())
		return err == nil && got.Ready
	})
}

// eventually polls until the condition holds.
func eventually(t *testing.T, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

package driver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/httpclient"
	"reloader/internal/prometheus/driver"
	"reloader/test/rig"
)

// rightPassword is bcrypt of "right", with the least cost.
const rightPassword = "$2a$04$pmVjNK2w/BkAZiRV0APuMeAClSXGb36fd99TGMZMc72W0UhKs4jRq"

// startReal starts the real Prometheus on a free port.
func startReal(t *testing.T, o options) server {
	t.Helper()
	binary := rig.PrometheusBinary(t)
	s := newDir(t)
	startBinary(t, binary, &s, o)
	return s
}

func startBinary(t *testing.T, binary string, s *server, o options) {
	t.Helper()
	address := rig.FreeAddress(t)
	args := []string{
		binary, "--config.file=" + filepath.Join(s.dir, "prometheus.yml"), "--web.listen-address=" + address,
		"--storage.tsdb.path=" + t.TempDir(), "--web.route-prefix=/" + strings.TrimPrefix(o.prefix, "/"),
	}
	if !o.noLifecycle {
		args = append(args, "--web.enable-lifecycle")
	}
	scheme := "http"
	var web strings.Builder
	co := httpclient.Options{}
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

	rig.NewProcess(t, "the real Prometheus", args...).Start()
	d, err := driver.New(driver.Options{Client: co})
	if err != nil {
		t.Fatal(err)
	}
	rig.Until(t, "the real server is ready", func() bool {
		got, err := d.Observe(t.Context())
		return err == nil && got.Ready
	})
}

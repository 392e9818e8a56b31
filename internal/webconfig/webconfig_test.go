package webconfig

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir, next: 2}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// issue writes NAME.pem and NAME.key, and returns the serial number.
func (a *authority) issue(name string, names ...string) int64 {
	a.t.Helper()
	serial := a.next
	a.next++
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", secret)
	return serial
}

func hash(t *testing.T, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

// world is a protected server and its web configuration file.
type world struct {
	t         *testing.T
	file, url string
	ca        *authority
}

func newWorld(t *testing.T, config string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, file: filepath.Join(dir, "web.yml"), ca: newAuthority(t, dir)}
	w.ca.issue("server")
	w.write(config)
	p, err := Open(w.file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: p.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "/healthz")}
	go func() { _ = server.Serve(p.Listener(l)) }()
	t.Cleanup(func() { _ = server.Close() })
	w.url = "http://" + l.Addr().String()
	if p.now.tls != nil {
		w.url = "https://" + l.Addr().String()
	}
	return w
}

func (w *world) write(config string) {
	w.t.Helper()
	if err := os.WriteFile(w.file, []byte(config), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// get sends one request on a new connection. The code is 0 when there is no answer.
func (w *world) get(path, user, password, cert string) (code int, serial int64) {
	w.t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(w.ca.cert)
	config := &tls.Config{RootCAs: pool}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(w.ca.dir, cert+".pem"), filepath.Join(w.ca.dir, cert+".key"))
		if err != nil {
			w.t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, 0
	}
	_ = resp.Body.Close()
	if resp.TLS != nil {
		serial = resp.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	return resp.StatusCode, serial
}

// A changed password is valid from the next request on, a broken file changes nothing, and probes need no password.
func TestBasicAuth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "basic_auth_users:\n  ann: "+hash(t, "one")+"\n")
	want := func(code int, path, user, password string) {
		t.Helper()
		if got, _ := w.get(path, user, password, ""); got != code {
			t.Errorf("%s as %s:%s: %d, want %d", path, user, password, got, code)
		}
	}
	want(200, "/", "ann", "one")
	want(200, "/", "ann", "one")
	want(401, "/", "ann", "two")
	want(401, "/", "", "")
	want(401, "/", "bob", "one")
	want(200, "/healthz", "", "")
	want(401, "/healthz/x", "", "")
	w.write("basic_auth_users:\n  ann: " + hash(t, "two") + "\n")
	want(401, "/", "ann", "one")
	want(200, "/", "ann", "two")
	for _, broken := range []string{"basic_auth_users: [", "basic_auth_users: {ann: plain}", "tls_server_config: {}", ""} {
		w.write(broken)
		if broken == "" {
			// An empty file asks for no password.
			want(200, "/", "", "")
			continue
		}
		want(401, "/", "", "")
		want(200, "/", "ann", "two")
	}
}

// A rotated certificate is used from the next connection on, a broken key changes nothing, and client certificates are required
// once the file says so.
func TestTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
	if code, serial := w.get("/", "", "", ""); code != 200 || serial != 2 {
		t.Errorf("%d with certificate %d", code, serial)
	}
	rotated := w.ca.issue("server")
	if code, serial := w.get("/", "", "", ""); code != 200 || serial != rotated {
		t.Errorf("after rotation: %d with certificate %d, want %d", code, serial, rotated)
	}
	if err := os.WriteFile(filepath.Join(w.ca.dir, "server.key"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, serial := w.get("/", "", "", ""); code != 200 || serial != rotated {
		t.Errorf("with a half key: %d with certificate %d, want %d", code, serial, rotated)
	}
	w.ca.issue("server")
	w.write("tls_server_config: {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [good]}\n")
	w.ca.issue("good", "good")
	w.ca.issue("bad", "bad")
	for cert, want := range map[string]int{"": 0, "bad": 0, "good": 200} {
		if code, _ := w.get("/", "", "", cert); code != want {
			t.Errorf("with client certificate %q: %d, want %d", cert, code, want)
		}
	}
}

// Settings that are unknown or cannot be applied are errors: a protection must not be left out silently. Secrets are not shown.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newAuthority(t, dir).issue("server")
	const pair = "cert_file: server.pem, key_file: server.key"
	for config, want := range map[string]string{
		"tls_server_config: {" + pair + "}":                                                                  "",
		"http_server_config: {http2: false}\nbasic_auth_users: {}":                                           "",
		"tls_server_config: {cert_file: server.pem}":                                                         "key_file are required",
		"tls_server_config: {cert_file: none.pem, key_file: server.key}":                                     "none.pem: no such file",
		"tls_server_config: {cert_file: fifo, key_file: server.key}":                                         "neither a file nor a directory",
		"tls_server_config: {" + pair + ", client_auth_type: Sometimes}":                                     `unknown type "Sometimes"`,
		"tls_server_config: {" + pair + ", client_auth_type: RequireAndVerifyClientCert}":                    "needs client_ca_file",
		"tls_server_config: {" + pair + ", client_ca_file: ca.pem}":                                          "no effect without client_auth_type",
		"tls_server_config: {" + pair + ", client_ca_file: server.key, client_auth_type: RequestClientCert}": "no certificate",
		"tls_server_config: {" + pair + ", min_version: SSL3}":                                               `unknown version "SSL3"`,
		"tls_server_config: {" + pair + ", cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}":                       "unknown or insecure",
		"tls_server_config: {" + pair + ", client_allowed_sans: [a]}":                                        "client_allowed_sans",
		"tls_server_confg: {}":                                   "tls_server_confg",
		"basic_auth_users: {ann: ZZSECRETZZ}":                    "bcrypt",
		"basic_auth_users: ZZSECRETZZ":                           "line 1",
		"basic_auth_users: {ann: [ZZSECRETZZ]}":                  "line 1",
		"rate_limit: {burst: 1}":                                 "rate_limit",
		"http_server_config: {headers: {X-Frame-Options: deny}}": "headers",
	} {
		_ = syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600)
		file := filepath.Join(dir, "web.yml")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(file, slog.New(slog.DiscardHandler))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "ZZSECRETZZ")) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

// FuzzLoad: no file makes load panic.
func FuzzLoad(f *testing.F) {
	f.Add("tls_server_config: {cert_file: a, key_file: b}\nbasic_auth_users: {a: b}")
	f.Add("&a [*a, *a]")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "web.yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = load(file)
	})
}

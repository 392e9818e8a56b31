package prometheustest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certs are files with a new CA, and with a server certificate and a client certificate that it signed.
type Certs struct {
	CA, ServerCert, ServerKey, ClientCert, ClientKey string
	// ServerName is the only DNS name in the server's certificate.
	ServerName string

	pool *x509.CertPool
}

// NewCerts writes the files into a temporary directory. With loopback, the server's certificate is also valid
// for 127.0.0.1.
func NewCerts(tb testing.TB, loopback bool) Certs {
	tb.Helper()
	dir := tb.TempDir()
	c := Certs{ServerName: "prometheus.test", pool: x509.NewCertPool()}
	caKey, ca := certificate(tb, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	c.pool.AddCert(ca)
	c.CA = write(tb, dir, "ca.crt", "CERTIFICATE", ca.Raw)
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{c.ServerName},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if loopback {
		server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	c.ServerCert, c.ServerKey = pair(tb, dir, "server", server, ca, caKey)
	c.ClientCert, c.ClientKey = pair(tb, dir, "client", &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "reloader"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca, caKey)
	return c
}

// Server is a configuration for Options.TLS. With clients, it requires a client certificate.
func (c Certs) Server(tb testing.TB, clients bool) *tls.Config {
	tb.Helper()
	p, err := tls.LoadX509KeyPair(c.ServerCert, c.ServerKey)
	if err != nil {
		tb.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{p}, MinVersion: tls.VersionTLS12}
	if clients {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, c.pool
	}
	return config
}

func certificate(tb testing.TB, template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return key, cert
}

func pair(tb testing.TB, dir, name string, template, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (cert, key string) {
	tb.Helper()
	k, c := certificate(tb, template, ca, caKey)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		tb.Fatal(err)
	}
	return write(tb, dir, name+".crt", "CERTIFICATE", c.Raw), write(tb, dir, name+".key", "EC PRIVATE KEY", der)
}

func write(tb testing.TB, dir, name, kind string, der []byte) string {
	tb.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"reloader/internal/snapshot"
)

// connection says how `status` and `wait` reach a reloader whose port is protected by --web-config-file.
type connection struct {
	caFile, certFile, keyFile, serverName, username, passwordFile string
}

// register adds the flags.
func (c *connection) register(fs *flagSet) {
	fs.StringVar(&c.caFile, "ca-file", "", "`FILE` with the CA that signed reloader's certificate")
	fs.StringVar(&c.certFile, "cert-file", "", "`FILE` with the client certificate")
	fs.StringVar(&c.keyFile, "key-file", "", "`FILE` with the client certificate's key")
	fs.StringVar(&c.serverName, "server-name", "", "`NAME` to expect in reloader's certificate")
	fs.StringVar(&c.username, "username", "", "user `NAME` for basic auth")
	fs.StringVar(&c.passwordFile, "password-file", "", "`FILE` with the password")
}

// client makes the client, and what adds the password to a request.
func (c *connection) client() (*http.Client, func(*http.Request), error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.serverName}
	read := func(path string) ([]byte, error) {
		return snapshot.ReadFile(path, snapshot.Limits{MaxFileSize: 1 << 20})
	}
	if c.caFile != "" {
		b, err := read(c.caFile)
		if err != nil {
			return nil, nil, fmt.Errorf("--ca-file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(b) {
			return nil, nil, fmt.Errorf("--ca-file: %s has no certificate in PEM format", c.caFile)
		}
	}
	if (c.certFile == "") != (c.keyFile == "") {
		return nil, nil, errors.New("give both --cert-file and --key-file")
	}
	if c.certFile != "" {
		pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
		if err != nil {
			return nil, nil, fmt.Errorf("--cert-file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	password := ""
	if (c.username == "") != (c.passwordFile == "") {
		return nil, nil, errors.New("give both --username and --password-file")
	}
	if c.passwordFile != "" {
		b, err := read(c.passwordFile)
		if err != nil {
			return nil, nil, fmt.Errorf("--password-file: %w", err)
		}
		password = strings.TrimRight(string(b), "\r\n")
	}
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config},
		// A reloader never redirects, and no one else may have the password.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, func(r *http.Request) {
		if c.username != "" {
			r.SetBasicAuth(c.username, password)
		}
	}, nil
}

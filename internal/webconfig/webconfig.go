// Package webconfig protects a listening port with TLS and passwords, using the same web configuration file as
// Prometheus and its exporters (https://prometheus.io/docs/prometheus/latest/configuration/https/).
package webconfig

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"

	"reloader/internal/snapshot"
)

// maxFile is the largest size of the file and of each file that it names, in bytes.
const maxFile = 1 << 20

// format is the supported part of the format. Anything else in a file is an error: a protection must not be
// left out silently.
type format struct {
	TLS   *tlsServer        `yaml:"tls_server_config"`
	HTTP  *httpServer       `yaml:"http_server_config"`
	Users map[string]string `yaml:"basic_auth_users"`
}

type tlsServer struct {
	Cert         string   `yaml:"cert_file"`
	Key          string   `yaml:"key_file"`
	ClientAuth   string   `yaml:"client_auth_type"`
	ClientCA     string   `yaml:"client_ca_file"`
	ClientSANs   []string `yaml:"client_allowed_sans"`
	MinVersion   string   `yaml:"min_version"`
	MaxVersion   string   `yaml:"max_version"`
	CipherSuites []string `yaml:"cipher_suites"`
	// PreferServer has had no effect since Go 1.17, in Prometheus either.
	PreferServer bool `yaml:"prefer_server_cipher_suites"`
}

// httpServer is accepted; http2 has no effect here, because only HTTP/1.1 is offered.
type httpServer struct {
	HTTP2 *bool `yaml:"http2"`
}

// settings come from a file and the files that it names.
type settings struct {
	tls   *tls.Config // nil without TLS
	users map[string][]byte
	// files are the contents of all files that were read.
	files map[string][]byte
}

// load reads the file and the files that it names.
func load(path string) (*settings, error) {
	s := &settings{users: map[string][]byte{}, files: map[string][]byte{}}
	data, err := s.read(path)
	if err != nil {
		return nil, err
	}
	var f format
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, withoutValues(err))
	}
	if f.TLS != nil {
		if s.tls, err = s.server(f.TLS, filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("%s: tls_server_config: %w", path, err)
		}
	}
	for name, hash := range f.Users {
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			return nil, fmt.Errorf("%s: basic_auth_users: %s: want a bcrypt hash, as printed by htpasswd -nB", path, name)
		}
		s.users[name] = []byte(hash)
	}
	return s, nil
}

// withoutValues keeps YAML errors from quoting a hash or a password that is in the wrong place.
func withoutValues(err error) error {
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		return err
	}
	lines := make([]string, len(types.Errors))
	for i, line := range types.Errors {
		if at := strings.Index(line, " `"); at >= 0 {
			line = line[:at] + " into the type that belongs here"
		}
		lines[i] = strings.TrimSuffix(line, " in type webconfig.format")
	}
	return errors.New(strings.Join(lines, "; "))
}

func (s *settings) read(path string) ([]byte, error) {
	b, err := snapshot.ReadFile(path, snapshot.Limits{MaxFileSize: maxFile})
	if err != nil {
		return nil, err
	}
	s.files[path] = b
	return b, nil
}

// relative reads a file whose name may be relative to the directory of the web configuration file.
func (s *settings) relative(dir, name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return s.read(name)
}

// ClientAuthTypes are the values of client_auth_type, for this port and for Prometheus; the empty one stands for no setting.
var ClientAuthTypes = map[string]tls.ClientAuthType{
	"": tls.NoClientCert, "NoClientCert": tls.NoClientCert, "RequestClientCert": tls.RequestClientCert,
	"RequireAnyClientCert": tls.RequireAnyClientCert, "RequireClientCert": tls.RequireAnyClientCert,
	"VerifyClientCertIfGiven": tls.VerifyClientCertIfGiven, "RequireAndVerifyClientCert": tls.RequireAndVerifyClientCert,
}

// Versions are the values of min_version and max_version, for this port and for Prometheus; the empty one stands for no setting.
var Versions = map[string]uint16{"": 0, "TLS10": tls.VersionTLS10, "TLS11": tls.VersionTLS11, "TLS12": tls.VersionTLS12, "TLS13": tls.VersionTLS13}

func (s *settings) server(f *tlsServer, dir string) (*tls.Config, error) {
	if f.Cert == "" || f.Key == "" {
		return nil, errors.New("cert_file and key_file are required")
	}
	cert, err := s.relative(dir, f.Cert)
	if err != nil {
		return nil, err
	}
	key, err := s.relative(dir, f.Key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("cert_file and key_file: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	var known bool
	if c.ClientAuth, known = ClientAuthTypes[f.ClientAuth]; !known {
		return nil, fmt.Errorf("client_auth_type: unknown type %q", f.ClientAuth)
	}
	for _, v := range []struct {
		key, name string
		to        *uint16
	}{{"min_version", f.MinVersion, &c.MinVersion}, {"max_version", f.MaxVersion, &c.MaxVersion}} {
		number, known := Versions[v.name]
		if !known {
			return nil, fmt.Errorf("%s: unknown version %q: want TLS12 or TLS13", v.key, v.name)
		}
		if number != 0 {
			*v.to = number
		}
	}
	if c.CipherSuites, err = suites(f.CipherSuites); err != nil {
		return nil, err
	}
	if f.ClientCA != "" {
		ca, err := s.relative(dir, f.ClientCA)
		if err != nil {
			return nil, err
		}
		c.ClientCAs = x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("client_ca_file: has no certificate in PEM format")
		}
		if c.ClientAuth == tls.NoClientCert {
			return nil, errors.New("client_ca_file: has no effect without client_auth_type, for example RequireAndVerifyClientCert")
		}
	} else if c.ClientAuth >= tls.VerifyClientCertIfGiven {
		return nil, errors.New("client_auth_type: needs client_ca_file")
	}
	if len(f.ClientSANs) > 0 {
		if c.ClientAuth != tls.RequireAndVerifyClientCert {
			return nil, errors.New("client_allowed_sans: needs client_auth_type RequireAndVerifyClientCert")
		}
		c.VerifyPeerCertificate = allowSANs(f.ClientSANs)
	}
	return c, nil
}

// suites returns the IDs of named cipher suites; nil means Go's own choice.
func suites(names []string) ([]uint16, error) {
	secure := tls.CipherSuites()
	var list []uint16
	for _, name := range names {
		i := slices.IndexFunc(secure, func(s *tls.CipherSuite) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("cipher_suites: %q is unknown or insecure", name)
		}
		list = append(list, secure[i].ID)
	}
	return list, nil
}

// allowSANs accepts client certificates with one of the names.
func allowSANs(allowed []string) func([][]byte, [][]*x509.Certificate) error {
	return func(_ [][]byte, chains [][]*x509.Certificate) error {
		if len(chains) > 0 && len(chains[0]) > 0 {
			c := chains[0][0]
			names := slices.Concat(c.DNSNames, c.EmailAddresses)
			for _, ip := range c.IPAddresses {
				names = append(names, ip.String())
			}
			for _, u := range c.URIs {
				names = append(names, u.String())
			}
			if slices.ContainsFunc(names, func(n string) bool { return slices.Contains(allowed, n) }) {
				return nil
			}
		}
		return errors.New("the client's certificate has none of the allowed names")
	}
}

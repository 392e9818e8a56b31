package judge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"reloader/internal/finding"
	"reloader/internal/prometheus/validator"
)

// pair is a certificate and its key in PEM format.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs}))
}

// A good pair has no finding. A truncated, mismatched or exchanged pair has one, and no byte of a key is shown
// (https://github.com/prometheus/prometheus/issues/5766).
func TestCertificatePairs(t *testing.T) {
	t.Parallel()
	cert, key := pair(t)
	_, otherKey := pair(t)
	const main = `remote_write:
- url: https://x/push
  tls_config: {ca_file: ca, cert_file: c, key_file: k}
scrape_configs:
- job_name: a
  tls_config: {ca_file: ca, cert_file: c, key_file: k}
`
	for name, test := range map[string]struct {
		ca, cert, key string
		errors        int
	}{
		"good":               {cert, cert, key, 0},
		"a chain":            {cert + cert, "# a comment\n" + cert, key, 0},
		"cut short":          {cert, cert[:len(cert)/2], key, 1},
		"another key":        {cert, cert, otherKey, 1},
		"exchanged":          {cert, key, cert, 2},
		"empty":              {"", "", "", 3},
		"a key as authority": {key, cert, key, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := []validator.File{{Path: "/d/m", Content: []byte(main)}, {Path: "/d/ca", Content: []byte(test.ca)}, {Path: "/d/c", Content: []byte(test.cert)}, {Path: "/d/k", Content: []byte(test.key)}}
			for i := range files {
				files[i].Size = int64(len(files[i].Content))
			}
			a := judgeMain("/d", files, "/d/m", false)
			warnings := 0
			for _, f := range a.Findings {
				if f.Severity == finding.Warning {
					warnings++
				}
				for line := range strings.Lines(key + otherKey) {
					if line = strings.TrimSpace(line); !strings.HasPrefix(line, "---") && strings.Contains(f.Message+f.Hint, line) {
						t.Errorf("a key is shown: %s", f.Message)
					}
				}
			}
			if got := len(errorsOf(a)); got != test.errors || warnings != test.errors {
				t.Errorf("%d errors and %d warnings, want %d each: %+v", got, warnings, test.errors, a.Findings)
			}
		})
	}
}

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// api asks the API server without kubectl, because a process for each question costs too much, and because
// measurements begin with the API's answer and not with the end of kubectl.
type api struct {
	client *http.Client
	token  string
}

func newAPI(t *testing.T) *api {
	t.Helper()
	home := os.Getenv("KUBE_HOME")
	file := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(home, "pki", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(file("ca.crt"))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &api{&http.Client{Transport: transport, Timeout: patience}, strings.TrimSpace(string(file("admin.token")))}
}

// read decodes the object at path into a value, which may be nil.
func (a *api) read(ctx context.Context, path string, into any) error {
	return a.do(ctx, http.MethodGet, path, nil, into)
}

func (a *api) putConfigMap(ctx context.Context, ns, name string, data map[string]string) error {
	object := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]string{"name": name}, "data": data}
	return a.do(ctx, http.MethodPut, "/api/v1/namespaces/"+ns+"/configmaps/"+name, object, nil)
}

func (a *api) do(ctx context.Context, method, path string, object, into any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://10.96.0.1"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, b)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(b, into)
}

package driver

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"reloader/internal/reload"
)

// Grafana, or a proxy in front of it, may repeat the request's credentials in any refusal. They appear in no error, verdict or
// hint.
func TestEchoedCredentials(t *testing.T) {
	t.Parallel()
	const password = "S3cret-Passw0rd"
	pair := base64.StdEncoding.EncodeToString([]byte("admin:" + password))
	for _, code := range []int{400, 401, 403, 404, 418, 500, 502, 503} {
		for _, json := range []bool{false, true} {
			echoed := false
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/api/health" {
					_, _ = w.Write([]byte(`{"database": "ok", "version": "12.4.0"}`))
					return
				}
				echoed = echoed || r.Header.Get("Authorization") != ""
				w.WriteHeader(code)
				text := r.Header.Get("Authorization") + " " + password
				if json {
					text = fmt.Sprintf(`{"message": %q, "messageId": %q, "error": %q}`, text, text, text)
				}
				_, _ = fmt.Fprint(w, text)
			}))
			t.Cleanup(srv.Close)
			s := server{url: srv.URL, password: password, provisioning: t.TempDir()}
			s.write(t, "datasources/ds.yaml", oneDatasource)
			r := newRig(t, s.url, password, nil)
			_, v, err := r.apply(t.Context(), nil, s.read(t, "datasources"))
			if !echoed || err == nil {
				t.Errorf("%d: credentials were sent: %t, error %v", code, echoed, err)
			}
			said := fmt.Sprintf("%+v %v", v, err)
			f := &reload.Failure{}
			if errors.As(err, &f) {
				said += fmt.Sprintln(f.Message, f.Body, f.Hint, f.Err)
			}
			for _, secret := range []string{password, pair, strings.TrimRight(pair, "=")} {
				if strings.Contains(said, secret) {
					t.Errorf("%d: %q shows %q", code, said, secret)
				}
			}
		}
	}
}

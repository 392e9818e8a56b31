package app

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/internal/status"
	"reloader/test/rig"
)

// A server that repeats what it was sent must not make a secret visible anywhere: in the log, the status, the
// page or the metrics.
func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	const password, token = "marked-password-5f2a", "marked-token-77c1"
	basic := base64.StdEncoding.EncodeToString([]byte("admin:" + password))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, sent, _ := r.BasicAuth()
		fmt.Fprintf(w, "you sent %q, that is %q", r.Header.Get("Authorization"), sent)
	}))
	t.Cleanup(srv.Close)
	s := newSite(t)
	s.write("password", password+"\n")
	s.write("token", token+"\n")
	dir := filepath.Join(s.dir, "d0")
	s.run(head +
		fmt.Sprintf("- {name: a, kind: http, url: %q, dirs: [%q], username: admin, password_file: %q}\n", srv.URL, dir, filepath.Join(s.dir, "password")) +
		fmt.Sprintf("- {name: b, kind: http, url: %q, dirs: [%q], bearer_token_file: %q}\n", srv.URL, dir, filepath.Join(s.dir, "token")))
	s.eventually("both failed", func(r status.Report) bool {
		return len(r.Targets) == 2 && r.Targets[0].Failure != nil && r.Targets[1].Failure != nil &&
			r.Targets[0].Phase == reload.Retrying && r.Targets[1].Phase == reload.Retrying
	})
	shown := map[string]string{"the log": s.log.String()}
	for _, path := range []string{"/", "/metrics", "/api/v1/status", "/readyz"} {
		_, body, err := rig.Fetch(t, "http://"+s.app.Addr()+path)
		rig.Must(t, err)
		shown["GET "+path] = body
	}
	if !strings.Contains(shown["the log"], "you sent") {
		t.Error("the log does not show the server's answer, so this test proves nothing")
	}
	for where, text := range shown {
		for _, secret := range []string{basic, password, token} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %q", where, secret)
			}
		}
	}
}

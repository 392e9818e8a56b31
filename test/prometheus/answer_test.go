package prometheus

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"reloader/internal/reload"
	"reloader/test/rig"
)

// A server that is newer than the validator decides about an unknown field. If it refuses the files, its answer is in the status
// and in the output of wait and status, once
// (https://github.com/prometheus-operator/kube-prometheus/issues/2358).
func TestAnswerOfTheServerIsShown(t *testing.T) {
	t.Parallel()
	main := rig.Jobs("", "self")
	v := newVolume(t, "prometheus.yml", main)
	server := rig.NewPrometheus(t, filepath.Join(v.Dir, "prometheus.yml"))
	server.Start()
	server.Ready()
	r := rig.NewReloader(t, "--prometheus-config", filepath.Join(v.Dir, "prometheus.yml"), "--prometheus-url", newer(t, server.URL, "3.30.0"))
	r.Start()
	r.Reaches("in sync", func(s reload.Status) bool { return s.Phase == reload.InSync })
	v.Swap(map[string]string{"prometheus.yml": main + "future_section:\n  a: 1\n"})
	const answer = "field future_section not found"
	s := r.Reaches("the server's answer", func(s reload.Status) bool {
		return s.Phase != reload.InSync && s.Failure != nil && strings.Contains(s.Failure.Body, answer)
	})
	if s.Failure.Class != reload.ClassRefused || strings.Contains(s.Failure.Message, answer) {
		t.Errorf("failure %+v", s.Failure)
	}
	for command, o := range map[string]rig.Outcome{"wait": rig.WaitBriefly(t, r.URL), "status": rig.Command(t, "status", "--url", r.URL)} {
		text := o.Stdout + o.Stderr
		if o.Code != 1 || strings.Count(text, answer) != 1 || strings.Count(text, s.Failure.Message) != 1 {
			t.Errorf("%s exits with %d and prints the answer %d times, the message %d times:\n%s",
				command, o.Code, strings.Count(text, answer), strings.Count(text, s.Failure.Message), text)
		}
	}
}

// newer is a proxy in front of a server that reports another version.
func newer(t *testing.T, server, version string) string {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	p := httputil.NewSingleHostReverseProxy(target)
	p.ModifyResponse = func(resp *http.Response) error {
		if resp.Request.URL.Path != "/api/v1/status/buildinfo" {
			return nil
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		b := []byte(`{"status":"success","data":{"version":` + strconv.Quote(version) + `}}`)
		resp.Body = io.NopCloser(bytes.NewReader(b))
		resp.ContentLength = int64(len(b))
		resp.Header.Set("Content-Length", strconv.Itoa(len(b)))
		resp.Header.Del("Content-Encoding")
		return nil
	}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return s.URL
}

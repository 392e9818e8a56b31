package generic_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"reloader/internal/generic"
	"reloader/internal/httpclient"
	"reloader/internal/reload"
)

// viaProxy is the environment variable with the URL that the child below must reload.
const viaProxy = "RELOADER_TEST_VIA_PROXY"

// Observing a server takes the same route as the reload: through the proxy of the environment to
// another host, but directly to localhost. A process reads the environment once, so each URL needs a child.
func TestProxy(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked.Store(r.Method + " " + r.RequestURI) }))
	t.Cleanup(proxy.Close)
	var direct atomic.Value
	local := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { direct.Store(r.Method + " " + r.RequestURI) }))
	t.Cleanup(local.Close)
	for _, url := range []string{"http://elsewhere.invalid/-/reload", local.URL + "/-/reload"} {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.CommandContext(t.Context(), self, "-test.run=^TestBehindProxy$", "-test.count=1")
		child.Env = append(os.Environ(), viaProxy+"="+url, "HTTP_PROXY="+proxy.URL, "NO_PROXY=", "no_proxy=")
		if out, err := child.CombinedOutput(); err != nil || strings.Contains(string(out), "SKIP") {
			t.Fatalf("%s: %v\n%s", url, err, out)
		}
	}
	if want := "POST http://elsewhere.invalid/-/reload"; asked.Load() != want {
		t.Errorf("the proxy was asked for %v, want %q", asked.Load(), want)
	}
	if want := "POST /-/reload"; direct.Load() != want {
		t.Errorf("the local server was asked for %v, want %q", direct.Load(), want)
	}
}

// TestBehindProxy is the child of TestProxy.
func TestBehindProxy(t *testing.T) {
	url := os.Getenv(viaProxy)
	if url == "" {
		t.Skip("TestProxy starts this with a proxy")
	}
	d, err := generic.NewHTTP(httpclient.Options{URL: url}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := d.Observe(t.Context()); err != nil || !o.Ready {
		t.Errorf("Observe: %+v, %v", o, err)
	}
	if err := d.Reload(t.Context(), reload.Plan{}); err != nil {
		t.Errorf("Reload: %v", err)
	}
}

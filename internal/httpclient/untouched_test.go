package httpclient_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/reload"
)

// send sends a request in one of the two ways.
func send(ctx context.Context, c *httpclient.Client, do bool, path string, timeout time.Duration) *reload.Failure {
	if do {
		_, f := c.Do(ctx, http.MethodPost, path, timeout)
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL(path), http.NoBody)
	if err != nil {
		return &reload.Failure{Err: err}
	}
	resp, f := c.RoundTrip(req, timeout, func() {})
	if f == nil {
		_, _ = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		_ = resp.Body.Close()
	}
	return f
}

// A request that ends without an answer counts as untouched only if it never arrived: one that arrived may have had an effect. The
// timeouts are close to the moment at which a request is written.
func TestWhatArrivedIsNeverUntouched(t *testing.T) {
	t.Parallel()
	var (
		arrived sync.Map
		some    atomic.Bool
	)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived.Store(r.URL.Path, true)
		some.Store(true)
		<-r.Context().Done() // so that every request times out
	}))
	c := newClient(t, httpclient.Options{URL: s.URL})
	untouched := map[string]bool{}
	requests := 0
	for ; requests < 4000 || !some.Load(); requests++ { // with longer and longer timeouts, so that some arrive on a busy machine too
		path := "/" + strconv.Itoa(requests)
		f := send(t.Context(), c, requests%2 == 0, path, time.Duration(requests%400+requests/40)*time.Microsecond)
		if f == nil {
			t.Fatalf("%s was answered", path)
		}
		untouched[path] = f.Untouched
	}
	s.Close() // waits for all requests that have arrived
	got, given := 0, 0
	for path, said := range untouched {
		_, did := arrived.Load(path)
		if did && said {
			t.Errorf("%s arrived, and counts as untouched", path)
		}
		if did {
			got++
		}
		if said {
			given++
		}
	}
	if given == 0 {
		t.Error("no request counts as untouched, so this test proves nothing")
	}
	t.Logf("%d requests, %d arrived, %d untouched", requests, got, given)
}

package page

import (
	"bufio"
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"reloader/internal/history"
	"reloader/internal/status"
	"reloader/test/rig"
)

func empty() *Page {
	return New(func() status.Report { return status.Report{} }, func() history.Report { return history.Report{} })
}

// stream opens an event stream and returns its lines.
func stream(ctx context.Context, t *testing.T, url string) (*http.Response, *bufio.Scanner) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp, bufio.NewScanner(resp.Body)
}

// A change reaches each of a hundred open pages. Changes faster than a page reads become one notice, and closed pages
// leave neither a stream nor a goroutine behind.
func TestManyOpenPages(t *testing.T) {
	p := empty()
	url := serve(t, p)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var notified, joined sync.WaitGroup
	for range 100 {
		joined.Add(1)
		notified.Add(1)
		go func() {
			resp, lines := stream(ctx, t, url)
			defer resp.Body.Close()
			for lines.Scan() {
				switch {
				case strings.HasPrefix(lines.Text(), "retry:"):
					joined.Done()
				case lines.Text() == "data: changed":
					notified.Done()
					return
				}
			}
		}()
	}
	joined.Wait()
	for range 1000 {
		p.Changed()
	}
	notified.Wait()
	unread, _ := p.hub.join()
	for range 1000 {
		p.Changed()
	}
	<-unread
	select {
	case <-unread:
		t.Error("1000 changes are more than one notice to a page that does not read")
	default:
	}
	p.hub.leave(unread)
	cancel()
	http.DefaultClient.CloseIdleConnections()
	rig.Until(t, "no stream is left", func() bool {
		p.hub.mu.Lock()
		defer p.hub.mu.Unlock()
		return len(p.hub.streams) == 0
	})
	rig.Until(t, "no goroutine is left", func() bool {
		http.DefaultClient.CloseIdleConnections()
		return runtime.NumGoroutine() <= before+2
	})
}

// The number of streams is limited, and they end properly when reloader stops.
func TestStreamsAreBoundedAndEnd(t *testing.T) {
	t.Parallel()
	p := empty()
	url := serve(t, p)
	resp, lines := stream(t.Context(), t, url)
	defer resp.Body.Close()
	if !lines.Scan() {
		t.Fatal("the stream did not begin")
	}
	for range maxStreams - 1 {
		if c, _ := p.hub.join(); c == nil {
			t.Fatal("a stream was refused too early")
		}
	}
	if r, _ := get(t, url+"/api/v1/events"); r.StatusCode != http.StatusServiceUnavailable { //nolint:bodyclose // get has closed it
		t.Errorf("one stream too many: %s", r.Status)
	}
	p.Stop()
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream was cut: %v", err)
	}
	p.Stop() // a second time, without effect
}

// BenchmarkChangedWith100Pages measures the notice of a change to many open pages, which waits for none of them.
func BenchmarkChangedWith100Pages(b *testing.B) {
	p := empty()
	for range 100 {
		p.hub.join()
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Changed()
	}
}

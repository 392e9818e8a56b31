package httpclient

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"reloader/internal/reload"
)

// Bounds of what is read of an answer after what was wanted of it.
const (
	maxTail     = 4 << 10
	tailTimeout = time.Second
)

// Stream is a GET whose answer may be large: with a status of 2xx read gets the body, at most limit bytes, instead of Answer.Body.
// The query is added to the path. An error of read is returned as it is; it may be that of a body that was cut.
func (c *Client) Stream(ctx context.Context, path string, query url.Values, timeout time.Duration, limit int64, read func(io.Reader) error) (a Answer, f *reload.Failure, err error) {
	a, f = c.send(ctx, http.MethodGet, path, query.Encode(), timeout, func(body io.Reader) {
		err = read(io.LimitReader(body, limit))
	})
	return a, f, err
}

// readTail reads the end of an answer: who reads one JSON value does not wait for it, and without it the connection cannot be
// used again. An end that does not come is given up.
func readTail(body io.Reader, cancel context.CancelFunc) {
	late := time.AfterFunc(tailTimeout, cancel)
	defer late.Stop()
	_, _ = io.CopyN(io.Discard, body, maxTail)
}

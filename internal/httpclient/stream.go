package httpclient

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"reloader/internal/reload"
)

// Bounds on reading the rest of an answer once what was needed has been read: bytes and time.
const (
	maxTail     = 4 << 10
	tailTimeout = time.Second
)

// Stream is a GET whose answer may be large: for a 2xx status read gets at most limit bytes of the body, and Answer.Body stays
// empty. The query is added to the path. err is what read returned; a body that was cut is one reason.
func (c *Client) Stream(ctx context.Context, path string, query url.Values, timeout time.Duration, limit int64, read func(io.Reader) error) (a Answer, f *reload.Failure, err error) {
	a, f = c.send(ctx, http.MethodGet, path, query.Encode(), timeout, func(body io.Reader) {
		err = read(io.LimitReader(body, limit))
	})
	return a, f, err
}

// readTail reads an answer to its end, because only then can the connection be reused. A reader of one JSON value stops
// before that. If the end does not come, cancel closes the connection.
func readTail(body io.Reader, cancel context.CancelFunc) {
	late := time.AfterFunc(tailTimeout, cancel)
	defer late.Stop()
	_, _ = io.CopyN(io.Discard, body, maxTail)
}

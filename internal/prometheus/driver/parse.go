package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"reloader/internal/httpclient"
	"reloader/internal/reload"
)

const (
	parseTimeout = 2 * time.Second
	maxParsed    = 1 << 20
)

// asker lends a client for questions about expressions, which validators ask concurrently with the driver. The client is
// kept until the next Observe; a second validator at the same time gets its own.
type asker struct{ idle chan *httpclient.Client }

func newAsker() asker { return asker{make(chan *httpclient.Client, 1)} }

func (a asker) take(o httpclient.Options) (*httpclient.Client, error) {
	select {
	case c := <-a.idle:
		return c, nil
	default:
		return httpclient.New(o)
	}
}

func (a asker) put(c *httpclient.Client) {
	select {
	case a.idle <- c:
	default:
		c.Close()
	}
}

func (a asker) close() {
	select {
	case c := <-a.idle:
		c.Close()
	default:
	}
}

// refuses implements finding.Facts.Refuses.
func (d *Driver) refuses(ctx context.Context, expression string) (words string, err error) {
	c, err := d.asker.take(d.o.Client)
	if err != nil {
		return "", err
	}
	defer d.asker.put(c)
	for _, at := range []string{pathParse, pathFormat} { // since 3.0 and since 2.39
		a, f, err := c.Stream(ctx, at, url.Values{"query": {expression}}, parseTimeout, maxParsed, func(r io.Reader) error {
			var said struct {
				Status string `json:"status"`
			}
			if err := json.NewDecoder(r).Decode(&said); err != nil {
				return err
			}
			if said.Status != "success" {
				return fmt.Errorf("status %q", said.Status)
			}
			return nil
		})
		switch {
		case f != nil:
			return "", f
		case err != nil:
			return "", fmt.Errorf("read the answer of %s: %w", c.URL(at), err)
		case a.Status/100 == 2:
			return "", nil
		case a.Status == http.StatusNotFound:
			continue
		case a.Status != http.StatusBadRequest:
			return "", fmt.Errorf("%s: status %d", c.URL(at), a.Status)
		}
		var said struct {
			ErrorType string `json:"errorType"`
			Error     string `json:"error"`
		}
		if err := json.Unmarshal([]byte(a.Body), &said); err != nil || said.ErrorType != "bad_data" || said.Error == "" {
			return "", fmt.Errorf("%s: the answer is not Prometheus' API", c.URL(at))
		}
		return reload.BoundBody(c.Redact(strings.TrimPrefix(said.Error, `invalid parameter "query": `))), nil
	}
	return "", errors.New("the server has no API to check an expression")
}

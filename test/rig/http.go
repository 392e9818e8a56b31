package rig

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// client is for servers on this machine. A server that hangs costs one try, not the whole test.
var client = &http.Client{Timeout: 30 * time.Second}

// Do sends a request and returns the whole answer, whatever its status is.
func Do(req *http.Request) (status int, body string, err error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// Fetch reads a page, whatever its status is.
func Fetch(tb testing.TB, url string) (status int, body string, err error) {
	return ask(tb, http.MethodGet, url)
}

// Get reads a page; an answer other than 200 is an error with the page's text.
func Get(tb testing.TB, url string) (string, error) {
	status, body, err := Fetch(tb, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET %s: status %d: %s", url, status, body)
	}
	return body, err
}

// GetJSON reads a page into v.
func GetJSON(tb testing.TB, url string, v any) error {
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return DoJSON(req, v)
}

// DoJSON sends a request and reads the answer into v; a status other than 200 is an error with the answer's text.
func DoJSON(req *http.Request, v any) error {
	status, body, err := Do(req)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s %s: status %d: %s", req.Method, req.URL, status, body)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL, err)
	}
	return nil
}

// ask sends a request without a body.
func ask(tb testing.TB, method, url string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(tb.Context(), method, url, nil)
	if err != nil {
		return 0, "", err
	}
	return Do(req)
}

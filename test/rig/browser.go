package rig

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
)

// Browser is a real headless Chromium, driven over WebDriver.
type Browser struct {
	tb      testing.TB
	session string // URL
}

// NewBrowser starts one. The test is skipped where chromium and chromedriver are not installed.
func NewBrowser(tb testing.TB) *Browser {
	tb.Helper()
	chromium, err := exec.LookPath("chromium")
	driver, err2 := exec.LookPath("chromedriver")
	if err != nil || err2 != nil {
		tb.Skip("no chromium and chromedriver: install Debian's packages chromium and chromium-driver")
	}
	address := FreeAddress(tb)
	_, port, _ := bytes.Cut([]byte(address), []byte(":"))
	p := NewProcess(tb, "chromedriver", driver, "--port="+string(port))
	p.Start()
	b := &Browser{tb: tb, session: "http://" + address}
	Until(tb, "chromedriver is ready", func() bool {
		var ready struct{ Ready bool }
		return b.call(http.MethodGet, "/status", nil, &ready) == nil && ready.Ready
	})
	args := []string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir=" + tb.TempDir(),
	}
	var created struct {
		SessionID string `json:"sessionId"`
	}
	Must(tb, b.call(http.MethodPost, "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome", "goog:chromeOptions": map[string]any{"binary": chromium, "args": args},
		"goog:loggingPrefs": map[string]any{"browser": "ALL"},
	}}}, &created))
	b.session += "/session/" + created.SessionID
	tb.Cleanup(func() { _ = b.call(http.MethodDelete, "", nil, nil) })
	return b
}

// call makes one WebDriver command.
func (b *Browser) call(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	// Not with the test's context: the session is ended after that is cancelled.
	req, err := http.NewRequest(method, b.session+path, body) //nolint:noctx // bounded by chromedriver
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct{ Value json.RawMessage }
	if err := json.Unmarshal(data, &answer); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %.400s", method, path, resp.Status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, out)
}

// Open loads a page.
func (b *Browser) Open(url string) {
	b.tb.Helper()
	Must(b.tb, b.call(http.MethodPost, "/url", map[string]any{"url": url}, nil))
}

// Eval runs a script and stores its value in out, unless that is nil. If the value is a promise, it waits for the result.
func (b *Browser) Eval(script string, out any) {
	b.tb.Helper()
	Must(b.tb, b.call(http.MethodPost, "/execute/sync", map[string]any{"script": script, "args": []any{}}, out))
}

// Text is the text of the page that a person can read.
func (b *Browser) Text() string {
	b.tb.Helper()
	var text string
	b.Eval("return document.body.innerText", &text)
	return text
}

// DevTools makes a call of the DevTools protocol.
func (b *Browser) DevTools(method string, params map[string]any) {
	b.tb.Helper()
	Must(b.tb, b.call(http.MethodPost, "/goog/cdp/execute", map[string]any{"cmd": method, "params": params}, nil))
}

// Window sets the size of the window in CSS pixels, and the colour scheme ("light", "dark").
func (b *Browser) Window(width, height int, scheme string) {
	b.tb.Helper()
	b.DevTools("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
	b.DevTools("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}})
}

// Console are the errors that the browser logged since the last call.
func (b *Browser) Console() []string {
	b.tb.Helper()
	var lines []struct{ Level, Message string }
	Must(b.tb, b.call(http.MethodPost, "/se/log", map[string]any{"type": "browser"}, &lines))
	var errors []string
	for _, l := range lines {
		if l.Level == "SEVERE" || l.Level == "WARNING" {
			errors = append(errors, l.Message)
		}
	}
	return errors
}

// Screenshot writes the visible part of the page as PNG.
func (b *Browser) Screenshot(file string) {
	b.tb.Helper()
	var text string
	Must(b.tb, b.call(http.MethodGet, "/screenshot", nil, &text))
	data, err := base64.StdEncoding.DecodeString(text)
	Must(b.tb, err)
	Must(b.tb, os.WriteFile(file, data, 0o644))
}

package driver

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"reloader/internal/finding"
	"reloader/internal/httpclient"
	"reloader/internal/reload"
)

// The paths of Prometheus' API, below the route prefix.
const (
	pathReload  = "/-/reload"
	pathRuntime = "/api/v1/status/runtimeinfo"
	pathBuild   = "/api/v1/status/buildinfo"
	pathFlags   = "/api/v1/status/flags"
	pathConfig  = "/api/v1/status/config"
	pathPools   = "/api/v1/scrape_pools"
	pathRules   = "/api/v1/rules"
	pathParse   = "/api/v1/parse_query"
	pathFormat  = "/api/v1/format_query"
)

// runtime is one answer of runtimeinfo, with the server's clock at that time.
type runtime struct {
	StartTime time.Time `json:"startTime"`
	// LastConfigTime is the end of the last successful load, in whole seconds (truncated).
	LastConfigTime time.Time `json:"lastConfigTime"`
	// ReloadConfigSuccess is about the last load, successful or not.
	ReloadConfigSuccess bool `json:"reloadConfigSuccess"`
	// ServerTime is the server's clock. Older servers do not send it; then it is the Date header, in whole seconds.
	ServerTime time.Time `json:"serverTime"`
	// Dir is the server's working directory.
	Dir string `json:"CWD"`
}

// epoch identifies one run of the server process.
func (r runtime) epoch() string { return strconv.FormatInt(r.StartTime.UnixNano(), 36) }

// load identifies one load. Two failed ones in a row look the same, and both need the same reaction.
func (r runtime) load() string {
	return strconv.FormatInt(r.LastConfigTime.Unix(), 10) + "/" + strconv.FormatBool(r.ReloadConfigSuccess)
}

// loadAge is how long ago the server loaded its files, by its own clock. If it never reloaded, that was at its start.
func (r runtime) loadAge(now time.Time) time.Duration {
	return min(now.Sub(r.LastConfigTime), now.Sub(r.StartTime))
}

// getRuntime requests runtimeinfo. While Prometheus is not ready, its whole API answers 503.
func (d *Driver) getRuntime(ctx context.Context) (runtime, *reload.Failure) {
	var r runtime
	began := time.Now()
	a, f := d.get(ctx, pathRuntime, &r)
	d.took = time.Since(began)
	if f != nil {
		return r, f
	}
	if r.ServerTime.IsZero() {
		r.ServerTime = a.Date
	}
	if r.StartTime.IsZero() || r.LastConfigTime.IsZero() {
		return r, notPrometheus(d.c.URL(pathRuntime))
	}
	d.last = r
	return r, nil
}

// get reads one answer of the API into v.
func (d *Driver) get(ctx context.Context, at string, v any) (httpclient.Answer, *reload.Failure) {
	a, f := d.c.Do(ctx, http.MethodGet, at, askTimeout)
	if f != nil {
		return a, f
	}
	if f := d.classify(http.MethodGet, at, a); f != nil {
		return a, f
	}
	envelope := struct {
		Status string `json:"status"`
		Data   any    `json:"data"`
	}{Data: v}
	if err := json.Unmarshal([]byte(a.Body), &envelope); err != nil || envelope.Status != "success" {
		return a, notPrometheus(d.c.URL(at))
	}
	return a, nil
}

func notPrometheus(url string) *reload.Failure {
	return &reload.Failure{
		Class: reload.ClassUnexpected, Message: "GET " + url + ": the answer is not Prometheus' API",
		Hint: "is this the URL of Prometheus itself? other servers are generic targets (kind http)", Permanent: true, Untouched: true,
	}
}

// getFacts asks for what a validator must know about the server. It is called once per run of the server.
func (d *Driver) getFacts(ctx context.Context, r runtime) (finding.Facts, *reload.Failure) {
	var build struct {
		Version string `json:"version"`
	}
	if _, f := d.get(ctx, pathBuild, &build); f != nil {
		return finding.Facts{}, f
	}
	flags := map[string]string{}
	if _, f := d.get(ctx, pathFlags, &flags); f != nil {
		return finding.Facts{}, f
	}
	facts := finding.Facts{Version: strings.TrimPrefix(build.Version, "v"), Agent: flags["agent"] == "true", Features: []string{}}
	for name := range strings.SplitSeq(flags["enable-feature"], ",") {
		name = strings.Trim(strings.TrimSpace(name), "[]")
		switch name {
		case "":
			continue
		case "agent": // v2
			facts.Agent = true
		}
		facts.Features = append(facts.Features, name)
	}
	if !facts.Agent {
		facts.Refuses = d.refuses
	}
	d.disabled = flags["web.enable-lifecycle"] == "false"
	d.logLevel = flags["log.level"]
	d.serverFile, d.serverDir = flags["config.file"], ""
	if d.serverFile != "" && !path.IsAbs(d.serverFile) && path.IsAbs(r.Dir) {
		d.serverFile, d.serverDir = path.Join(r.Dir, d.serverFile), r.Dir
	}
	if facts.WebConfig = flags["web.config.file"]; facts.WebConfig == "" {
		facts.WebConfig = finding.NoFile
	} else if !path.IsAbs(facts.WebConfig) {
		facts.WebConfig = path.Join(r.Dir, facts.WebConfig)
	}
	return facts, nil
}

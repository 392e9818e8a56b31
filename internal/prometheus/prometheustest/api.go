package prometheustest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// serveStatus serves the server's API about itself.
func (s *Server) serveStatus(w http.ResponseWriter, r *http.Request, path string) {
	s.mu.Lock()
	denied, runs := s.deny[path], s.runs
	status := map[string]any{
		"startTime": s.start.UTC(), "serverTime": s.now().UTC(), "CWD": "/", "reloadConfigSuccess": s.success,
		"lastConfigTime": time.Unix(s.lastConfig.Unix(), 0).UTC(),
	}
	s.mu.Unlock()
	if denied != 0 {
		http.Error(w, http.StatusText(denied), denied)
		return
	}
	var data any
	switch path {
	case "/api/v1/status/runtimeinfo":
		data = status
	case "/api/v1/status/buildinfo":
		data = map[string]any{"version": s.o.Version}
	case "/api/v1/status/flags":
		flags := map[string]string{
			"config.file": "/etc/prometheus/prometheus.yml", "agent": "false", "web.enable-lifecycle": fmt.Sprint(!s.o.NoLifecycle),
		}
		maps.Copy(flags, s.o.Flags)
		data = flags
	case "/api/v1/status/config":
		data = map[string]any{"yaml": s.o.Show(runs).YAML}
	case "/api/v1/scrape_pools":
		pools := s.o.Show(runs).Pools
		slices.Sort(pools)
		data = map[string]any{"scrapePools": append([]string{}, pools...)}
	case "/api/v1/rules":
		page, err := rules(s.o.Show(runs).Groups, r.URL.Query())
		if err != nil {
			badData(w, err.Error())
			return
		}
		data = page
	case "/api/v1/parse_query", "/api/v1/format_query":
		if words := s.o.Refuse(r.FormValue("query")); words != "" {
			badData(w, `invalid parameter "query": `+words)
			return
		}
		data = map[string]any{}
	case "/-/ready":
		_, _ = fmt.Fprintln(w, "Prometheus Server is Ready.")
		return
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
}

func badData(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "error", "errorType": "bad_data", "error": message})
}

// rules is the answer of /api/v1/rules to a query; it leaves out groups without rules.
func rules(all []Group, query url.Values) (map[string]any, error) {
	limit, token := 0, query.Get("group_next_token")
	if l := query.Get("group_limit"); l != "" {
		n, err := strconv.Atoi(l)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("group_limit needs to be a valid number")
		}
		limit = n
	} else if token != "" {
		return nil, fmt.Errorf("group_limit needs to be present in order to paginate over the groups")
	}
	out := map[string]any{}
	groups := []Group{}
	found := token == ""
	for _, g := range all {
		found = found || nextToken(g) == token
		files := query["file[]"]
		if !found || len(g.Rules) == 0 || len(files) > 0 && !slices.Contains(files, g.File) {
			continue
		}
		if limit > 0 && len(groups) == limit {
			out["groupNextToken"] = nextToken(g)
			break
		}
		groups = append(groups, g)
	}
	if !found {
		return nil, fmt.Errorf("invalid group_next_token %q. were rule groups changed?", token)
	}
	out["groups"] = groups
	return out, nil
}

func nextToken(g Group) string {
	sum := sha256.Sum256([]byte(g.File + ";" + g.Name))
	return hex.EncodeToString(sum[:])
}

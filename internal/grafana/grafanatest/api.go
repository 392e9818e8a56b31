package grafanatest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"commit": "unknown", "database": "ok", "version": s.opts.Version})
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.faults.NoMetrics {
			http.NotFound(w, nil)
			return
		}
		w.Header().Set("Date", time.Now().Add(s.clock).UTC().Format(http.TimeFormat))
		for _, kind := range slices.Sorted(maps.Keys(s.answered)) {
			_, _ = fmt.Fprintf(w, "grafana_http_request_duration_seconds_count{handler=\"/api/admin/provisioning/%s/reload\",method=\"POST\",status_code=\"200\"} %d\n", kind, s.answered[kind])
		}
		_, _ = fmt.Fprintf(w, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.2f\n", float64(s.started.Add(s.clock).UnixMilli()/10)/100)
	})
	mux.HandleFunc("POST /login", s.login)
	admin := func(pattern string, h http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if s.authorized(w, r) && s.member(w, r) && s.permitted(w, r) {
				h(w, r)
			}
		})
	}
	admin("POST /api/admin/provisioning/{kind}/reload", s.reload)
	admin("GET /api/admin/settings", s.getSettings)
	admin("GET /api/datasources", s.getDatasources)
	admin("GET /api/datasources/uid/{uid}", s.getDatasource)
	admin("PUT /api/datasources/uid/{uid}", s.putDatasource)
	admin("DELETE /api/datasources/uid/{uid}", s.deleteDatasource)
	admin("GET /api/datasources/correlations", s.getCorrelations)
	admin("POST /api/dashboards/db", s.postDashboard)
	admin("GET /api/folders", s.getFolders)
	admin("PUT /api/folders/{uid}", s.putFolder)
	admin("DELETE /api/orgs/{id}", s.deleteOrg)
	admin("GET /api/search", s.search)
	admin("GET /api/dashboards/uid/{uid}", s.getDashboard)
	admin("GET /api/orgs", s.getOrgs)
	admin("GET /api/plugins", s.getPlugins)
	s.userRoutes(admin)
	if s.newer(12, 4) {
		admin("GET /apis/dashboard.grafana.app/v1beta1/namespaces/default/dashboards", s.listDashboards)
	}
	if s.newer(9, 0) {
		for path, values := range s.alertingLists() {
			admin("GET /api/v1/provisioning/"+path, func(w http.ResponseWriter, _ *http.Request) {
				s.mu.Lock()
				defer s.mu.Unlock()
				shown := values()
				if path == "templates" && len(shown) == 0 {
					writeJSON(w, http.StatusOK, nil) // as the real one does when there are none
					return
				}
				writeJSON(w, http.StatusOK, shown)
			})
		}
		admin("GET /api/v1/provisioning/policies", s.getPolicy)
		admin("GET /api/ruler/grafana/api/v1/rules", s.getRules)
		admin("GET /api/alertmanager/grafana/config/api/v1/receivers", s.getReceivers)
	}
	admin("/", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "Not found"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		f := s.faults
		s.mu.Unlock()
		if f.Down {
			panic(http.ErrAbortHandler)
		}
		if f.NoDatabase && r.URL.Path != "/api/health" && r.URL.Path != "/metrics" {
			s.noDatabase(w)
			return
		}
		off := s.setting("unified_alerting", "enabled") == "false"
		for _, below := range []string{"/api/v1/provisioning/", "/api/ruler/", "/api/alertmanager/"} {
			if off && strings.HasPrefix(r.URL.Path, below) {
				writeJSON(w, http.StatusNotFound, map[string]string{"message": "Not found"})
				return
			}
		}
		if f.Refuse.Path != "" && strings.HasPrefix(r.URL.Path, f.Refuse.Path) && (f.Refuse.Method == "" || f.Refuse.Method == r.Method) {
			w.WriteHeader(f.Refuse.Status)
			_, _ = w.Write([]byte(f.Refuse.Body + r.Header.Get("Authorization")))
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// alertingLists are the routes that list alerting objects; the list of rules was added in 9.4.
func (s *Server) alertingLists() map[string]func() []map[string]any {
	values := func(m func() map[string]map[string]any) func() []map[string]any {
		return func() []map[string]any {
			out := []map[string]any{}
			all := m()
			for _, k := range slices.Sorted(maps.Keys(all)) {
				out = append(out, all[k])
			}
			return out
		}
	}
	lists := map[string]func() []map[string]any{
		"contact-points": values(func() map[string]map[string]any { return s.state.contacts }),
		"mute-timings":   values(func() map[string]map[string]any { return s.state.mutes }),
		"templates":      values(func() map[string]map[string]any { return s.state.templates }),
	}
	if s.newer(9, 4) {
		lists["alert-rules"] = func() []map[string]any {
			out := []map[string]any{}
			for _, uid := range slices.Sorted(maps.Keys(s.state.rules)) {
				alert, _ := s.state.rules[uid].shown["grafana_alert"].(map[string]any)
				out = append(out, map[string]any{"uid": uid, "title": alert["title"], "ruleGroup": s.state.rules[uid].group,
					"notification_settings": alert["notification_settings"], "provenance": "file"})
			}
			return out
		}
	}
	return lists
}

func (s *Server) getPolicy(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.policy == nil {
		writeJSON(w, http.StatusOK, map[string]any{"receiver": s.builtIn()})
		return
	}
	writeJSON(w, http.StatusOK, s.state.policy)
}

func (s *Server) getSettings(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]map[string]string{}
	for section, keys := range s.settings {
		out[section] = map[string]string{}
		for k, v := range keys {
			if v != "" && (strings.Contains(k, "password") || strings.Contains(k, "secret")) {
				v = "*********"
			}
			out[section][k] = v
		}
	}
	writeJSON(w, http.StatusOK, out)
}

// orgOf is the organization of a request.
func orgOf(r *http.Request) int64 {
	if n, err := strconv.ParseInt(r.Header.Get("X-Grafana-Org-Id"), 10, 64); err == nil {
		return n
	}
	return 1
}

func (s *Server) getDatasources(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []map[string]any{}
	for key, ds := range s.state.datasources {
		if key.org == orgOf(r) {
			ds = maps.Clone(ds)
			// Only the request for a single data source shows these.
			delete(ds, "secureJsonFields")
			delete(ds, "basicAuthUser")
			delete(ds, "withCredentials")
			delete(ds, "pruned")
			out = append(out, ds)
		}
	}
	slices.SortFunc(out, func(a, b map[string]any) int { return strings.Compare(text(a, "name"), text(b, "name")) })
	if most, err := strconv.Atoi(s.settings["datasources"]["datasource_limit"]); err == nil && len(out) > most {
		out = out[:most]
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) getDatasource(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, ds := range s.state.datasources {
		if key.org == orgOf(r) && ds["uid"] == r.PathValue("uid") {
			writeJSON(w, http.StatusOK, ds)
			return
		}
	}
	writeJSON(w, http.StatusNotFound, map[string]string{"message": "Data source not found"})
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []map[string]any{}
	for _, uid := range slices.Sorted(maps.Keys(s.state.dashboards)) {
		if !s.sees(r, s.state.dashboards[uid].folder) {
			continue
		}
		out = append(out, map[string]any{"uid": uid, "title": s.state.dashboards[uid].json["title"], "type": "dash-db"})
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) getDashboard(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.state.dashboards[r.PathValue("uid")]
	if !ok {
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "Dashboard not found"})
		return
	}
	body := maps.Clone(d.json)
	body["uid"], body["version"] = r.PathValue("uid"), d.version
	writeJSON(w, http.StatusOK, map[string]any{
		"dashboard": body,
		"meta":      map[string]any{"provisioned": d.provider != "", "provisionedExternalId": d.relative, "version": d.version},
	})
}

func (s *Server) listDashboards(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []map[string]any{}
	for _, uid := range slices.Sorted(maps.Keys(s.state.dashboards)) {
		d := s.state.dashboards[uid]
		if !s.sees(r, d.folder) {
			continue
		}
		items = append(items, map[string]any{
			"metadata": map[string]any{
				"name": uid, "namespace": "default", "generation": d.version,
				"annotations": annotationsOf(d),
			},
			"spec": d.json,
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"kind": "DashboardList", "apiVersion": "dashboard.grafana.app/v1beta1", "items": items})
}

func (s *Server) getOrgs(w http.ResponseWriter, r *http.Request) {
	out := []map[string]any{}
	if page := r.URL.Query().Get("page"); page != "" && page != "0" {
		writeJSON(w, http.StatusOK, out) // the first page is 0, and has all
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.opts.Organizations {
		out = append(out, map[string]any{"id": id, "name": "Org"})
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) getPlugins(w http.ResponseWriter, _ *http.Request) {
	out := []map[string]any{}
	for _, id := range s.opts.Plugins {
		out = append(out, map[string]any{"id": id, "type": "app"})
	}
	writeJSON(w, http.StatusOK, out)
}

// getReceivers lists contact points with their integrations. It includes the built-in one, which the
// provisioning API leaves out when that has no integration.
func (s *Server) getReceivers(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	integrations := map[string][]map[string]any{s.builtIn(): {}}
	for _, uid := range slices.Sorted(maps.Keys(s.state.contacts)) {
		c := s.state.contacts[uid]
		name, _ := c["name"].(string)
		integrations[name] = append(integrations[name], map[string]any{"name": c["type"]})
	}
	out := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(integrations)) {
		out = append(out, map[string]any{"name": name, "active": true, "integrations": integrations[name]})
	}
	writeJSON(w, http.StatusOK, out)
}

func annotationsOf(d dashboard) map[string]string {
	a := map[string]string{}
	if d.provider != "" {
		a = map[string]string{
			"grafana.app/managedBy": "classic-file-provisioning", "grafana.app/managerId": d.provider,
			"grafana.app/sourcePath": d.path, "grafana.app/sourceChecksum": d.checksum,
		}
	}
	if d.folder != "" {
		a["grafana.app/folder"] = d.folder
	}
	if d.edited {
		a["grafana.app/updatedBy"] = "user:hand"
	}
	return a
}

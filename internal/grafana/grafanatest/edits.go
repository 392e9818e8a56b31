package grafanatest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// What people and other programs change in a running Grafana.

func (s *Server) putDatasource(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"message": "bad request data"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, ds := range s.state.datasources {
		if key.org != orgOf(r) || ds["uid"] != r.PathValue("uid") {
			continue
		}
		if ds["readOnly"] == true {
			writeJSON(w, http.StatusForbidden, map[string]string{"message": "Cannot update read-only data source"})
			return
		}
		for _, field := range []string{"url", "access", "type", "jsonData"} {
			if in[field] != nil {
				ds[field] = in[field]
			}
		}
		given, _ := in["version"].(float64) // the user interface sends the version that it read
		ds["version"] = int(given) + 1
		writeJSON(w, http.StatusOK, map[string]string{"message": "Datasource updated"})
		return
	}
	writeJSON(w, http.StatusNotFound, map[string]string{"message": "Data source not found"})
}

func (s *Server) deleteDatasource(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, ds := range s.state.datasources {
		if key.org == orgOf(r) && ds["uid"] == r.PathValue("uid") {
			delete(s.state.datasources, key)
			writeJSON(w, http.StatusOK, map[string]string{"message": "Data source deleted"})
			return
		}
	}
	writeJSON(w, http.StatusNotFound, map[string]string{"message": "Data source not found"})
}

func (s *Server) getCorrelations(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []map[string]any{}
	for key, list := range s.state.correlations {
		if key.org == orgOf(r) {
			out = append(out, list...)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"correlations": out, "totalCount": len(out), "page": 1, "limit": 1000})
}

// postDashboard handles what the user interface sends when someone saves.
func (s *Server) postDashboard(w http.ResponseWriter, r *http.Request) {
	var in struct{ Dashboard map[string]any }
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Dashboard == nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"message": "bad request data"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	uid, _ := in.Dashboard["uid"].(string)
	d := s.state.dashboards[uid]
	d.json, d.edited = in.Dashboard, true
	d.version++
	s.state.dashboards[uid] = d
	writeJSON(w, http.StatusOK, map[string]any{"uid": uid, "status": "success"})
}

func (s *Server) getFolders(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []map[string]any{}
	for _, title := range slices.Sorted(maps.Keys(s.state.folders)) {
		if !s.sees(r, s.state.folders[title]) {
			continue
		}
		out = append(out, map[string]any{"uid": s.state.folders[title], "title": title})
	}
	writeJSON(w, http.StatusOK, out)
}

// getRules is the ruler API's list of all rules, by folder and group.
func (s *Server) getRules(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	type group struct {
		Name     string           `json:"name"`
		Interval string           `json:"interval"`
		Rules    []map[string]any `json:"rules"`
	}
	out := map[string][]group{}
	for _, uid := range slices.Sorted(maps.Keys(s.state.rules)) {
		r := s.state.rules[uid]
		if !s.sees(req, s.state.folders[r.folder]) {
			continue
		}
		i := slices.IndexFunc(out[r.folder], func(g group) bool { return g.Name == r.group })
		if i < 0 {
			out[r.folder] = append(out[r.folder], group{Name: r.group, Interval: r.interval})
			i = len(out[r.folder]) - 1
		}
		out[r.folder][i].Rules = append(out[r.folder][i].Rules, r.shown)
	}
	writeJSON(w, http.StatusOK, out)
}

// putFolder renames a folder.
func (s *Server) putFolder(w http.ResponseWriter, r *http.Request) {
	var in struct{ Title string }
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Title == "" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"message": "bad request data"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for title, uid := range s.state.folders {
		if uid == r.PathValue("uid") {
			delete(s.state.folders, title)
			s.state.folders[in.Title] = uid
			writeJSON(w, http.StatusOK, map[string]string{"uid": uid, "title": in.Title})
			return
		}
	}
	writeJSON(w, http.StatusNotFound, map[string]string{"message": "folder not found"})
}

// deleteOrg removes an organization and its data sources.
func (s *Server) deleteOrg(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	s.opts.Organizations = slices.DeleteFunc(slices.Clone(s.opts.Organizations), func(o int64) bool { return o == id })
	maps.DeleteFunc(s.state.datasources, func(k orgName, _ map[string]any) bool { return k.org == id })
	writeJSON(w, http.StatusOK, map[string]string{"message": "Organization deleted"})
}

package grafanatest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// user is a user other than the server admin, or a service account with its tokens. A new one has the role Viewer.
type user struct {
	id                 int
	password           string
	tokens             []string
	serverAdmin, admin bool // of the server, and in its organization
}

// userRoutes adds the routes that create users and change or show their permissions.
func (s *Server) userRoutes(admin func(pattern string, h http.HandlerFunc)) {
	admin("POST /api/admin/users", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Login, Password string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		u := s.newUser(in.Login)
		s.people.Lock()
		defer s.people.Unlock()
		u.password = in.Password
		writeJSON(w, http.StatusOK, map[string]any{"id": u.id, "message": "User created"})
	})
	admin("PUT /api/admin/users/{id}/permissions", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ IsGrafanaAdmin bool }
		_ = json.NewDecoder(r.Body).Decode(&in)
		s.change(r, func(u *user) { u.serverAdmin = in.IsGrafanaAdmin })
		writeJSON(w, http.StatusOK, map[string]string{"message": "User permissions updated"})
	})
	admin("PATCH /api/org/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Role string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		s.change(r, func(u *user) { u.admin = in.Role == "Admin" })
		writeJSON(w, http.StatusOK, map[string]string{"message": "Organization user updated"})
	})
	admin("POST /api/serviceaccounts", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Name, Role string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		writeJSON(w, http.StatusCreated, map[string]any{"id": s.newUser("sa-1-" + in.Name).id})
	})
	admin("POST /api/serviceaccounts/{id}/tokens", func(w http.ResponseWriter, r *http.Request) {
		token := "glsa_" + r.PathValue("id") + "_token"
		s.change(r, func(u *user) { u.tokens = append(u.tokens, token) })
		writeJSON(w, http.StatusOK, map[string]string{"key": token})
	})
	admin("POST /api/folders/{uid}/permissions", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed[r.PathValue("uid")] = true
		writeJSON(w, http.StatusOK, map[string]string{"message": "Folder permissions updated"})
	})
	admin("GET /api/org/quotas", s.getQuotas)
	if s.newer(9, 0) {
		admin("GET /api/access-control/user/permissions", func(w http.ResponseWriter, r *http.Request) {
			may := map[string][]string{"folders:read": {"folders:uid:general", "folders:uid:sharedwithme"}, "alert.rules:read": {"folders:*"}, "datasources:read": {"datasources:*"}}
			u := s.userOf(r)
			if u == nil || u.admin {
				may["folders:read"], may["dashboards:read"] = []string{"folders:*"}, []string{"dashboards:*"}
			}
			if u == nil || u.serverAdmin {
				may["provisioning:reload"] = []string{"provisioners:*"}
			}
			writeJSON(w, http.StatusOK, may)
		})
	}
}

func (s *Server) newUser(login string) *user {
	s.people.Lock()
	defer s.people.Unlock()
	u := &user{id: len(s.users) + 2}
	s.users[login] = u
	return u
}

// change changes the user whose id is in the request's path.
func (s *Server) change(r *http.Request, f func(u *user)) {
	s.people.Lock()
	defer s.people.Unlock()
	for _, u := range s.users {
		if strconv.Itoa(u.id) == r.PathValue("id") {
			f(u)
		}
	}
}

// userOf returns a copy of the user who sent a request; nil for the server admin.
func (s *Server) userOf(r *http.Request) *user {
	s.people.RLock()
	defer s.people.RUnlock()
	login, _, basic := r.BasicAuth()
	if c, err := r.Cookie("grafana_session"); err == nil {
		login, basic = s.signedIn[c.Value], true
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for name, u := range s.users {
		if basic && name == login || slices.Contains(u.tokens, token) {
			now := *u
			return &now
		}
	}
	return nil
}

// permitted answers 403 itself when only a server admin may send the request.
func (s *Server) permitted(w http.ResponseWriter, r *http.Request) bool {
	u := s.userOf(r)
	if u == nil || u.serverAdmin {
		return true
	}
	needed := ""
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/api/admin/provisioning/"):
		needed = "provisioning:reload"
	case strings.HasPrefix(path, "/api/admin/settings"):
		needed = "settings:read"
	case strings.HasPrefix(path, "/api/orgs"):
		needed = "orgs:read"
	default:
		return true
	}
	writeJSON(w, http.StatusForbidden, map[string]string{"accessErrorId": "ACE0000000000", "title": "Access denied",
		"message": "You'll need additional permissions to perform this action. Permissions needed: " + needed})
	return false
}

// sees reports whether the user may see what is in a folder: the real one leaves the rest out of its lists. s.mu is held.
func (s *Server) sees(r *http.Request, folder string) bool {
	u := s.userOf(r)
	return u == nil || u.admin || !s.closed[folder]
}

// noDatabase answers as the real one does after 5 s, because it cannot look up the user.
func (s *Server) noDatabase(w http.ResponseWriter) {
	writeJSON(w, http.StatusInternalServerError, map[string]any{"extra": nil, "message": "InternalError", "messageId": "sqlstore.max-retries-reached", "statusCode": http.StatusInternalServerError, "traceID": ""})
}

// getQuotas answers with an error when quotas are switched off, as the real one does.
func (s *Server) getQuotas(w http.ResponseWriter, _ *http.Request) {
	if s.setting("quota", "enabled") != "true" {
		writeJSON(w, http.StatusInternalServerError, map[string]string{"message": "failed to get quota"})
		return
	}
	limit, err := strconv.Atoi(s.setting("quota", "org_dashboard"))
	if err != nil {
		limit = 100
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	writeJSON(w, http.StatusOK, []map[string]any{{"org_id": 1, "target": "dashboard", "limit": limit, "used": len(s.state.dashboards)},
		{"org_id": 1, "target": "data_source", "limit": 10, "used": len(s.state.datasources)}})
}

package grafanatest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// user is one more user, or a service account with its tokens. The role Viewer is what a new one has.
type user struct {
	id                 int
	password           string
	tokens             []string
	serverAdmin, admin bool // of the server, and in its organization
}

// userRoutes are those that make users and say what they may do.
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

// change changes the user with the id of a request.
func (s *Server) change(r *http.Request, f func(u *user)) {
	s.people.Lock()
	defer s.people.Unlock()
	for _, u := range s.users {
		if strconv.Itoa(u.id) == r.PathValue("id") {
			f(u)
		}
	}
}

// userOf is who sends a request, as it is now; nil is the server admin.
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

// permitted answers 403 itself when only a server admin may ask.
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

// sees says whether who asks is shown what is in a folder: the real one leaves the rest out of its lists. s.mu is held.
func (s *Server) sees(r *http.Request, folder string) bool {
	u := s.userOf(r)
	return u == nil || u.admin || !s.closed[folder]
}

// noDatabase is what the real one answers after 5 s, because it cannot find out who asks.
func (s *Server) noDatabase(w http.ResponseWriter) {
	writeJSON(w, http.StatusInternalServerError, map[string]any{"extra": nil, "message": "InternalError", "messageId": "sqlstore.max-retries-reached", "statusCode": http.StatusInternalServerError, "traceID": ""})
}

// getQuotas answers an error where quotas are switched off, as the real one does.
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

package grafanatest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

const maxFailures = 5 // recorded failures within the window lock the user name

// signIn checks credentials as the real server does: five recorded failures lock the user out for
// a while, attempts during that time are not recorded, and a success does not reset the count.
func (s *Server) signIn(user, password string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var recent []time.Time
	for _, at := range s.failures[user] {
		if time.Since(at) < s.opts.LockOut {
			recent = append(recent, at)
		}
	}
	s.failures[user] = recent
	if len(recent) >= maxFailures {
		return false
	}
	if user == s.opts.User && password == s.password {
		return true
	}
	s.people.RLock()
	defer s.people.RUnlock()
	if u := s.users[user]; u != nil && u.password == password {
		return true
	}
	s.failures[user] = append(recent, time.Now())
	return false
}

// authorized answers 401 or 403 itself unless the request has valid credentials.
func (s *Server) authorized(w http.ResponseWriter, r *http.Request) bool {
	if c, err := r.Cookie("grafana_session"); err == nil {
		s.mu.Lock()
		known := s.sessions[c.Value]
		s.mu.Unlock()
		if known {
			if origin := r.Header.Get("Origin"); origin != "" && origin != s.URL {
				http.Error(w, "origin not allowed", http.StatusForbidden)
				return false
			}
			return true
		}
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && token != "" && (token == s.opts.Token || s.userOf(r) != nil) {
		return true
	}
	user, password, ok := r.BasicAuth()
	if !ok || s.opts.NoBasicAuth {
		s.refuse(w, "auth.unauthorized", "Unauthorized")
		return false
	}
	if !s.signIn(user, password) {
		s.refuse(w, "password-auth.failed", "Invalid username or password")
		return false
	}
	return true
}

// member answers 403 itself when the request names an organization that does not exist.
func (s *Server) member(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("X-Grafana-Org-Id") == "" || s.hasOrg(orgOf(r)) {
		return true
	}
	writeJSON(w, http.StatusForbidden, map[string]string{
		"accessErrorId": "ACE0000000000", "title": "Access denied", "message": "You'll need additional permissions to perform this action. Permissions needed: datasources:read",
	})
	return false
}

// refuse answers a request without valid credentials: 401, but 403 in 9.x when none were sent.
func (s *Server) refuse(w http.ResponseWriter, id, message string) {
	if id == "auth.unauthorized" && s.newer(9, 0) && !s.newer(10, 0) {
		writeJSON(w, http.StatusForbidden, map[string]string{
			"accessErrorId": "ACE0000000000", "title": "Access denied",
			"message": "You'll need additional permissions to perform this action. Permissions needed: provisioning:reload",
		})
		return
	}
	writeJSON(w, http.StatusUnauthorized, map[string]any{
		"extra": nil, "message": message, "messageId": id, "statusCode": http.StatusUnauthorized, "traceID": "",
	})
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ User, Password string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !s.signIn(in.User, in.Password) {
		s.refuse(w, "password-auth.failed", "Invalid username or password")
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.sessions[token] = true
	s.mu.Unlock()
	s.people.Lock()
	s.signedIn[token] = in.User
	s.people.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "grafana_session", Value: token, Path: "/", HttpOnly: true})
	writeJSON(w, http.StatusOK, map[string]string{"message": "Logged in", "redirectUrl": "/"})
}

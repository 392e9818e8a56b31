package grafanatest

import (
	"context"
	"net/http"
	"strings"
)

func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	kind := r.PathValue("kind")
	if !s.hasKind(kind) {
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "Not found"})
		return
	}
	s.mu.Lock()
	s.inFlight++
	if s.inFlight > 1 {
		s.overlap = true
	}
	f, lifted, onReload := s.faults, s.lifted, s.onReload
	if s.faults.Locked > 0 {
		s.faults.Locked--
	}
	if s.faults.Reset > 0 {
		s.faults.Reset--
	}
	s.mu.Unlock()
	if onReload != nil {
		onReload(kind)
	}
	status := s.doReload(r, kind, f, lifted)
	s.mu.Lock()
	s.inFlight--
	if status != 0 {
		s.answered[kind]++
	}
	s.calls = append(s.calls, Call{Kind: kind, Status: status, Cancelled: r.Context().Err() != nil})
	s.mu.Unlock()
	switch status {
	case 0:
		panic(http.ErrAbortHandler)
	case http.StatusOK:
		writeJSON(w, status, map[string]string{"message": strings.ToUpper(kind[:1]) + kind[1:] + " config reloaded"})
	default:
		message := "Internal Server Error"
		if kind == "plugins" {
			message = "Failed to reload plugins config"
		}
		writeJSON(w, status, map[string]string{"message": message})
	}
}

func (s *Server) doReload(r *http.Request, kind string, f Faults, lifted chan struct{}) int {
	switch {
	case f.Reset > 0:
		return 0
	case f.Locked > 0:
		return http.StatusInternalServerError
	case f.Ignore:
		return http.StatusOK
	case f.Hang:
		select {
		case <-r.Context().Done():
			return http.StatusInternalServerError
		case <-lifted:
		}
	}
	s.running.Lock()
	defer s.running.Unlock()
	ctx := r.Context()
	if !s.newer(8, 0) {
		ctx = context.WithoutCancel(ctx) // 7.5.5 continues when the client goes away
	}
	if err := s.provision(ctx, kind); err != nil {
		if kind == "dashboards" && ctx.Err() != nil {
			return http.StatusOK // a cancelled dashboards reload is answered as success
		}
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

// hasKind reports whether the version has the reload route of a kind.
func (s *Server) hasKind(kind string) bool {
	switch kind {
	case "datasources", "dashboards", "plugins":
		return true
	case "notifications":
		return !s.newer(10, 0)
	case "alerting":
		return s.newer(9, 0)
	}
	return false
}

package driver

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"reloader/internal/reload"
)

// idLocked is Grafana's message id when its database stays locked for longer than it retries (12.4: 5 s).
const idLocked = "sqlstore.max-retries-reached"

// classify explains a status other than 200 and what to do about it.
func classify(what string, a answer) *reload.Failure {
	f := classifyAny(what, a)
	if strings.HasPrefix(what, "GET ") {
		f.Untouched = true
		asRead(what, a, f)
	}
	return f
}

func classifyAny(what string, a answer) *reload.Failure {
	id, text := a.message()
	f := &reload.Failure{Body: reload.BoundBody(string(a.body)), Untouched: true}
	switch a.status {
	case http.StatusUnauthorized:
		f.Class, f.Permanent, f.RetryAfter = reload.ClassUnauthorized, true, credentialsPoll
		f.Message = what + ": 401: Grafana does not accept the credentials"
		f.Hint = "give the server admin's name and password (--grafana-username, --grafana-password-file, or GF_SECURITY_ADMIN_PASSWORD); the password in Grafana's database counts, a changed admin_password in grafana.ini does not"
		switch id {
		case "auth.unauthorized":
			f.Message = what + ": 401: Grafana found no credentials that it accepts"
			f.Hint = "no user was given, or both basic auth and the login form are switched off; tokens and API keys cannot reload"
		case "api-key.invalid":
			f.Message = what + ": 401: Grafana does not know this token"
			f.Hint = "no token can reload: use the server admin's name and password"
		}
	case http.StatusForbidden:
		f.Class, f.Permanent = reload.ClassForbidden, true
		f.Message = what + ": 403: this user may not reload provisioning"
		f.Hint = "only a Grafana server admin may; an organization's admin, a service account or an API key may not"
		if bytes.Contains(a.body, []byte("origin not allowed")) {
			f.Message, f.Hint = what+": 403: Grafana refuses the request's origin", "reach Grafana directly, not through a proxy that adds an Origin header"
		}
	case http.StatusNotFound:
		f.Class, f.Permanent = reload.ClassNotFound, true
		f.Message = what + ": 404: there is nothing at this path"
		f.Hint = "check the URL and its sub path (serve_from_sub_path)"
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		f.Class = reload.ClassUnavailable
		f.Message = fmt.Sprintf("%s: %d: Grafana, or a proxy in front of it, is not available now", what, a.status)
	case http.StatusInternalServerError:
		if id == idLocked { // it could not even look up the user
			f.Class = reload.ClassUnavailable
			f.Message, f.Hint = what+": 500: Grafana's database is locked, or does not answer in time", "see what else writes to it (a backup, a second Grafana on the same file); SQLite lets one at a time"
			break
		}
		f.Class, f.Untouched = reload.ClassServer, false
		f.Message = what + ": 500: Grafana failed and may have applied a part"
		f.Hint = "the reason is only in Grafana's log, at level error with logger=provisioning or logger=context"
		if bytes.Contains(a.body, []byte(`"error"`)) {
			f.Message = what + ": 500: Grafana panicked and may have applied a part"
		}
	case http.StatusBadRequest:
		f.Class, f.Permanent = reload.ClassScheme, true
		f.Message = what + ": 400: Grafana does not understand the request"
		f.Hint = "a server with TLS gives this answer to plain HTTP: use https:// in --grafana-url"
	default:
		f.Class = reload.ClassUnexpected
		f.Message = fmt.Sprintf("%s: unexpected answer %d %s", what, a.status, text)
	}
	return f
}

// asRead adjusts the message and hint for a request that changes nothing.
func asRead(what string, a answer, f *reload.Failure) {
	switch {
	case a.status == http.StatusForbidden:
		f.Message = what + ": 403: this user may not see that"
		f.Hint = "the user must be a server admin, and a member of each organization that the files name"
	case a.status == http.StatusInternalServerError && f.Class != reload.ClassUnavailable:
		f.Message, f.Hint = what+": 500: Grafana failed to answer", "the reason is only in Grafana's log, at level error with logger=context"
	case a.status/100 == 3:
		f.Class, f.Permanent = reload.ClassNotFound, true
		f.Message, f.Hint = fmt.Sprintf("%s: %d: the answer is a redirect", what, a.status), "check the URL: its scheme, and its sub path (root_url with serve_from_sub_path)"
	}
}

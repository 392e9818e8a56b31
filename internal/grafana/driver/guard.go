package driver

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"reloader/internal/reload"
)

const (
	// maxTries is the limit for one wrong password. Grafana locks a user after 5 failures within 5
	// minutes, and answers with the same 401 then as for a wrong password.
	maxTries = 2
	// lockOut is how long Grafana's lock lasts after the last recorded failure, with a margin: the
	// right password still gets a 401 after 280 s, but not after 305 s.
	lockOut = 5*time.Minute + 30*time.Second
)

// guard keeps the admin's account from being locked: after maxTries with the same wrong password,
// nothing is sent until the credentials change or a lock would have expired.
type guard struct {
	now      func() time.Time
	identity [sha256.Size]byte
	failures int
	last     time.Time
}

// allow returns the failure to report instead of sending a request, or nil.
func (g *guard) allow(identity [sha256.Size]byte) *reload.Failure {
	if identity != g.identity {
		*g = guard{now: g.now, identity: identity}
		return nil
	}
	if g.failures < maxTries {
		return nil
	}
	wait := lockOut - g.now().Sub(g.last)
	if wait <= 0 {
		g.failures = maxTries - 1 // one more try in each period of a lock
		return nil
	}
	return &reload.Failure{
		Class:      reload.ClassUnauthorized,
		Message:    fmt.Sprintf("Grafana refused these credentials %d times; nothing is sent until they change, so that the account is not locked", g.failures),
		Hint:       "correct the password file or the Secret (a password from the environment needs a restart of this container); without a change the next try is in " + wait.Round(time.Second).String(),
		Permanent:  true,
		Untouched:  true,
		RetryAfter: min(wait, credentialsPoll),
	}
}

// credentialsPoll is how soon changed credentials are noticed while nothing is sent.
const credentialsPoll = 5 * time.Second

// record counts refusals of the credentials. Only an answer of 200 resets the count.
func (g *guard) record(identity [sha256.Size]byte, a answer) {
	switch {
	case a.status == http.StatusUnauthorized && !bytes.Contains(a.body, []byte(`"auth.unauthorized"`)):
		g.identity = identity
		g.failures++
		g.last = g.now()
	case a.status == http.StatusOK:
		g.failures = 0
	}
}

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
	// maxTries with one wrong password. Grafana locks a user after 5 failures within 5 minutes, and
	// answers the lock with the same 401 as a wrong password.
	maxTries = 2
	// lockOut is how long Grafana's lock lasts after the last recorded failure, with a margin: at
	// 280 s the right password still gets a 401, at 305 s it does not.
	lockOut = 5*time.Minute + 30*time.Second
)

// guard keeps the admin's account from being locked: after two tries with the same wrong password
// nothing is sent until the credentials have changed or a lock would have passed.
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
		g.failures = maxTries - 1 // one more try for this stretch of time
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

// record counts a refusal of the credentials. Only an answer to right ones takes the count back.
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

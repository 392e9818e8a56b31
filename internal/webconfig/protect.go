package webconfig

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"golang.org/x/crypto/bcrypt"

	"reloader/internal/snapshot"
)

// Protection follows a web configuration file: new certificates apply from the next connection on, new passwords from
// the next request on. If the file becomes unusable, its last usable contents stay in force.
type Protection struct {
	path string
	log  *slog.Logger

	mu  sync.Mutex
	now *settings
	// failed is the last error that was logged about an unusable file.
	failed string

	// checking lets one password be compared at a time: each comparison costs about 50 ms on purpose.
	checking sync.Mutex
	// right are hashes of users with their right passwords, for the settings in rightOf.
	right   map[[sha256.Size]byte]bool
	rightOf *settings
}

// Open reads the file for the first time. Only then is a mistake in the file returned as an error.
func Open(path string, log *slog.Logger) (*Protection, error) {
	now, err := load(path)
	if err != nil {
		return nil, err
	}
	return &Protection{path: path, log: log, now: now}, nil
}

// current returns the settings from the files as they are now, or the last usable ones.
func (p *Protection) current() *settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unchanged() {
		return p.now
	}
	next, err := load(p.path)
	switch {
	case err != nil:
		if p.failed != err.Error() {
			p.failed = err.Error()
			p.log.Error("rejected the web configuration file; keeping the previous one", "err", err)
		}
	case (next.tls == nil) != (p.now.tls == nil):
		p.failed = "TLS was switched on or off"
		p.log.Warn("the web configuration file switches TLS on or off: restart reloader to apply that", "file", p.path)
	default:
		p.now, p.failed = next, ""
	}
	return p.now
}

func (p *Protection) unchanged() bool {
	for path, was := range p.now.files {
		is, err := snapshot.ReadFile(path, snapshot.Limits{MaxFileSize: maxFile})
		if err != nil || !bytes.Equal(is, was) {
			return false
		}
	}
	return true
}

// Listener adds TLS to l if the file asks for it.
func (p *Protection) Listener(l net.Listener) net.Listener {
	if p.now.tls == nil {
		return l
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if c := p.current().tls; c != nil {
				return c, nil
			}
			return nil, errors.New("no certificate")
		},
	})
}

// Handler requires a password if the file names users, for every path except those in open, which show only
// whether the process works: the kubelet's probes have no password.
func (p *Protection) Handler(next http.Handler, open ...string) http.Handler {
	free := map[string]bool{}
	for _, path := range open {
		free[path] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := p.current()
		if len(now.users) > 0 && !free[r.URL.Path] {
			user, password, given := r.BasicAuth()
			if !given || !p.accepts(now, user, password) {
				w.Header().Set("WWW-Authenticate", `Basic realm="reloader"`)
				http.Error(w, "a user name and password are required", http.StatusUnauthorized)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// dummy is compared with the password of an unknown user, so that the time does not reveal which users exist.
var dummy = []byte("$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi")

// maxRight limits how many right passwords are remembered.
const maxRight = 100

func (p *Protection) accepts(now *settings, user, password string) bool {
	hash, known := now.users[user]
	if !known {
		hash = dummy
	}
	sum := sha256.Sum256([]byte(user + "\x00" + password + "\x00" + string(hash)))
	p.checking.Lock()
	defer p.checking.Unlock()
	if p.rightOf != now || len(p.right) >= maxRight {
		p.rightOf, p.right = now, map[[sha256.Size]byte]bool{}
	}
	if p.right[sum] {
		return true
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil || !known {
		return false
	}
	p.right[sum] = true
	return true
}

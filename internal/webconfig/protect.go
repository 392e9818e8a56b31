package webconfig

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"reloader/internal/snapshot"
)

// Protection follows a web configuration file: new certificates apply from the next connection on, new passwords from
// the next request on. If the file becomes unusable, its last usable contents stay in force.
type Protection struct {
	path string
	log  *slog.Logger
	read func() // follow; tests replace it
	// reading holds one while the files are being read, checking while a password is compared: each comparison costs about 50 ms
	// on purpose.
	reading, checking chan struct{}

	// mu is never held while a file is read or a password compared.
	mu  sync.Mutex
	now *settings
	// failed is the last error that was logged about an unusable file.
	failed string
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
	p := &Protection{path: path, log: log, now: now, reading: make(chan struct{}, 1), checking: make(chan struct{}, 1)}
	p.read = p.follow
	return p, nil
}

// patience is how long a request or a connection waits for the files: less than a probe does.
const patience = 500 * time.Millisecond

// current returns the settings from the files as they are now, or the last usable ones. A disk that does not answer blocks one
// goroutine, and no request for long.
func (p *Protection) current() *settings {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	done := make(chan struct{})
	select {
	case p.reading <- struct{}{}:
		go func() {
			defer close(done)
			p.read()
			<-p.reading
		}()
	case <-limit.C:
		return p.last()
	}
	select {
	case <-done:
	case <-limit.C:
		p.fail("no answer from the file system within " + patience.String())
	}
	return p.last()
}

func (p *Protection) last() *settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// follow brings the settings up to date with the files. Only one call runs at a time.
func (p *Protection) follow() {
	now := p.last()
	if now.unchanged() {
		p.use(now)
		return
	}
	next, err := load(p.path)
	switch {
	case err != nil:
		p.fail(err.Error())
	case (next.tls == nil) != (now.tls == nil):
		p.fail("TLS was switched on or off; restart reloader to apply that")
	default:
		p.use(next)
	}
}

func (p *Protection) use(s *settings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.failed = s, ""
}

// fail logs once why the newest contents of the files are not used.
func (p *Protection) fail(why string) {
	p.mu.Lock()
	said := p.failed == why
	p.failed = why
	p.mu.Unlock()
	if !said {
		p.log.Error("rejected the web configuration file; keeping the previous one", "file", p.path, "err", why)
	}
}

func (s *settings) unchanged() bool {
	for path, was := range s.files {
		is, err := snapshot.ReadFile(path, snapshot.Limits{MaxFileSize: maxFile})
		if err != nil || !bytes.Equal(is, was) {
			return false
		}
	}
	return true
}

// Listener adds TLS to l if the file asks for it.
func (p *Protection) Listener(l net.Listener) net.Listener {
	if p.last().tls == nil {
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
		if !free[r.URL.Path] && !p.admits(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="reloader"`)
			http.Error(w, "a user name and password are required", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// dummy is compared with the password of an unknown user, so that the time does not reveal which users exist.
var dummy = []byte("$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi")

// maxBody is how much of a request's body is read, in bytes.
const maxBody = 64 << 10

// maxRight limits how many right passwords are remembered.
const maxRight = 100

// admits reports whether a request has a right password, or needs none.
func (p *Protection) admits(r *http.Request) bool {
	now := p.current()
	if len(now.users) == 0 {
		return true
	}
	user, password, given := r.BasicAuth()
	return given && p.accepts(r, now, user, password)
}

// accepts compares a password. A right one that was compared before is known, so it does not wait for wrong ones; and no one waits
// for a client that has gone, of which there may be any number.
func (p *Protection) accepts(r *http.Request, now *settings, user, password string) bool {
	hash, known := now.users[user]
	if !known {
		hash = dummy
	}
	sum := sha256.Sum256([]byte(user + "\x00" + password + "\x00" + string(hash)))
	if p.isRight(now, sum) {
		return true
	}
	// Go only notices that a client has gone once the body was read. No request of ours has one.
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(nil, r.Body, maxBody)); err != nil {
		return false
	}
	select {
	case p.checking <- struct{}{}:
	case <-r.Context().Done():
		return false
	}
	same := bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
	<-p.checking
	if !same || !known {
		return false
	}
	p.remember(now, sum)
	return true
}

func (p *Protection) isRight(now *settings, sum [sha256.Size]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rightOf == now && p.right[sum]
}

func (p *Protection) remember(now *settings, sum [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rightOf != now || len(p.right) >= maxRight {
		p.rightOf, p.right = now, map[[sha256.Size]byte]bool{}
	}
	p.right[sum] = true
}

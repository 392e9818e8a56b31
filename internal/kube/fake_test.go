package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"reloader/test/rig"
)

// fakeAPI is an API server with one pod, ConfigMaps and Secrets of which only the version
// matters, and Events. It can be stopped and started again at the same address.
type fakeAPI struct {
	t    *testing.T
	dir  string // the service account's
	addr string

	mu        sync.Mutex
	server    *httptest.Server
	token     string
	pod       string // JSON
	versions  map[string]int
	streams   map[chan string]string // the object of each open watch, by the channel of its lines
	answers   map[string]int         // "VERB resource" to an HTTP status
	patches   []string               // bodies of patches of the pod
	patchedAt time.Time
	onPatch   func() // called before a patch is answered
	events    map[string]map[string]any
	hang      chan struct{} // event requests wait for it
	accepts   []string
	// forbidden is how long the client treats a 403 as temporary.
	forbidden time.Duration
}

func newFakeAPI(t *testing.T) *fakeAPI {
	t.Helper()
	a := &fakeAPI{
		t: t, dir: t.TempDir(), addr: rig.FreeAddress(t), token: "token-1", versions: map[string]int{}, streams: map[chan string]string{},
		answers: map[string]int{}, events: map[string]map[string]any{},
	}
	a.write("namespace", "monitoring")
	a.write("token", a.token)
	a.start()
	t.Cleanup(a.stop)
	return a
}

func (a *fakeAPI) write(name, text string) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// start serves with a new CA each time, and writes the CA where the kubelet would put it.
func (a *fakeAPI) start() {
	a.t.Helper()
	var l net.Listener
	rig.Until(a.t, "the address is free", func() bool {
		var err error
		l, err = new(net.ListenConfig).Listen(a.t.Context(), "tcp", a.addr)
		return err == nil
	})
	cert, ca := certificate(a.t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(a.serve))
	_ = s.Listener.Close()
	s.Listener = l
	s.EnableHTTP2 = true
	s.Config.ErrorLog = nil
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	a.write("ca.crt", ca)
	a.mu.Lock()
	a.server = s
	a.mu.Unlock()
}

func (a *fakeAPI) stop() {
	a.mu.Lock()
	s := a.server
	a.server = nil
	a.mu.Unlock()
	if s != nil {
		a.endWatches("")
		s.CloseClientConnections()
		s.Close()
	}
}

func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// client is the client of a pod called monitor-0.
func (a *fakeAPI) client() *Client {
	a.t.Helper()
	c := &Client{base: "https://" + a.addr, dir: a.dir, pod: "monitor-0", uid: "uid-1"}
	if err := c.complete(); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() {
		if c.http != nil {
			c.http.CloseIdleConnections()
		}
	})
	return c
}

func (a *fakeAPI) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/monitoring/")
	resource, name, _ := strings.Cut(path, "/")
	verb := map[string]string{http.MethodGet: "get", http.MethodPatch: "patch", http.MethodPost: "create"}[r.Method]
	if r.URL.Query().Get("watch") == "1" {
		verb = "watch"
	}
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	code, hang := a.answers[verb+" "+resource], a.hang
	if r.Header.Get("Authorization") != "Bearer "+a.token {
		code = http.StatusUnauthorized
	}
	a.accepts = append(a.accepts, verb+" "+resource+" "+r.Header.Get("Accept"))
	a.mu.Unlock()
	if resource == "events" && hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
			return
		}
	}
	if code != 0 {
		refuse(w, code, verb+" "+path)
		return
	}
	switch {
	case verb == "watch":
		a.serveWatch(w, r, resource+"/"+strings.TrimPrefix(r.URL.Query().Get("fieldSelector"), "metadata.name="))
	case resource == "pods" && verb == "get":
		a.mu.Lock()
		defer a.mu.Unlock()
		fmt.Fprint(w, a.pod)
	case resource == "pods" && verb == "patch":
		a.mu.Lock()
		defer a.mu.Unlock()
		a.patches, a.patchedAt = append(a.patches, string(body)), time.Now()
		if a.onPatch != nil {
			a.onPatch()
		}
		fmt.Fprint(w, "{}")
	case resource == "events":
		a.serveEvent(w, verb, name, body)
	default:
		refuse(w, http.StatusNotFound, path)
	}
}

func refuse(w http.ResponseWriter, code int, what string) {
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"kind":"Status","code":%d,"message":"%s: %s","reason":"Test"}`, code, what, http.StatusText(code))
}

func (a *fakeAPI) serveEvent(w http.ResponseWriter, verb, name string, body []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if verb == "create" {
		name, _ = in["metadata"].(map[string]any)["name"].(string)
		a.events[name] = in
	} else if a.events[name] == nil {
		refuse(w, http.StatusNotFound, name)
		return
	}
	maps.Copy(a.events[name], in)
	fmt.Fprint(w, "{}")
}

// serveWatch sends the object's current version, then each change until the watch ends.
func (a *fakeAPI) serveWatch(w http.ResponseWriter, r *http.Request, object string) {
	lines := make(chan string, 100)
	a.mu.Lock()
	if v := a.versions[object]; v > 0 {
		lines <- line("ADDED", v)
	}
	a.streams[lines] = object
	a.mu.Unlock()
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	for {
		if flush.Flush() != nil {
			return
		}
		select {
		case l, ok := <-lines:
			if !ok {
				return
			}
			fmt.Fprint(w, l)
		case <-r.Context().Done():
			a.mu.Lock()
			delete(a.streams, lines)
			a.mu.Unlock()
			return
		}
	}
}

func line(kind string, version int) string {
	return fmt.Sprintf(`{"type":%q,"object":{"kind":"PartialObjectMetadata","metadata":{"resourceVersion":"%d"}}}`+"\n", kind, version)
}

// update changes an object and sends it to the open watches.
func (a *fakeAPI) update(object string) { a.tell("MODIFIED", object) }

// remove deletes an object. Its version goes on from where it was.
func (a *fakeAPI) remove(object string) { a.tell("DELETED", object) }

func (a *fakeAPI) tell(kind, object string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.versions[object]++
	for s, o := range a.streams {
		if o == object {
			s <- line(kind, a.versions[object])
		}
	}
}

// endWatches ends every watch, with a last line if that is not empty.
func (a *fakeAPI) endWatches(last string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.streams {
		if last != "" {
			s <- last
		}
		close(s)
		delete(a.streams, s)
	}
}

func (a *fakeAPI) watching(n int) func() bool {
	return func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.streams) == n
	}
}

func (a *fakeAPI) patched() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.patches)
}

func (a *fakeAPI) lastPatch() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.patchedAt
}

// asked counts the requests with this verb for this resource.
func (a *fakeAPI) asked(what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, got := range a.accepts {
		if strings.HasPrefix(got, what+" ") {
			n++
		}
	}
	return n
}

func (a *fakeAPI) answer(what string, code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[what] = code
}

// list are the Events as "count reason message".
func (a *fakeAPI) list() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, e := range a.events {
		out = append(out, fmt.Sprintf("%v %v %v", e["count"], e["reason"], e["message"]))
	}
	return out
}
